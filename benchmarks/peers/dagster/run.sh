dagster asset materialize --select '*' -f definitions.py
