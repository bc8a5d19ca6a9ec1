"""Dashboards without Node: static pages that query the published Parquet in the browser."""
