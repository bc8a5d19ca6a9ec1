"""Handing marts to the dashboards as Parquet and a manifest."""
