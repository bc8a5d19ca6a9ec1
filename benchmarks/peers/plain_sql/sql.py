"""Run files of SQL in the warehouse: python sql.py load.sql mart.sql."""

import sys
from pathlib import Path

import duckdb

with duckdb.connect("warehouse.duckdb") as connection:
    for file in sys.argv[1:]:
        connection.execute(Path(file).read_text())
