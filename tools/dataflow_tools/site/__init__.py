"""Building the dashboards with Evidence."""
