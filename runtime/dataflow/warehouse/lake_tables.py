"""How the tables of a lake are changed where DuckLake lacks a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.warehouse.tables import Tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class LakeTables(Tables):
    """The tables in a lake."""

    def retype(
        self, connection: DuckDBPyConnection, target: str, column: str, kind: str, using: str
    ) -> None:
        """Write the table anew: DuckLake only widens types, and takes no expression for it."""
        values = f"CAST({using} AS {kind})"
        connection.execute(
            f"CREATE OR REPLACE TABLE {target} AS SELECT * REPLACE ({values} AS {column}) "
            f"FROM {target}"
        )


LAKE_TABLES = LakeTables()
