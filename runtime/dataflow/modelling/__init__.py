"""Building and testing a workflow's dbt project."""
