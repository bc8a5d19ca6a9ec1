"""The project as a service: Dagster, the REST API and the dashboards as one group, its runs."""
