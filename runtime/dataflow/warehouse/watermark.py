"""How far a source has been read: kept in the warehouse, in the transaction that loads the rows.

A watermark kept anywhere else would, after a crash between the two writes, skip rows or load
them twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dataflow.warehouse.database import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_TABLE = "dataflow.watermarks"


def save_watermark(connection: DuckDBPyConnection, table: str, value: Any) -> None:
    """Keep the last value that was read for a table, in the transaction that loads the rows.

    The value is a text, a number, or anything whose text sorts as it does (dates in ISO format).
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS dataflow")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} "
        "(table_name VARCHAR PRIMARY KEY, last_value VARCHAR, saved_at TIMESTAMPTZ)"
    )
    connection.execute(
        f"INSERT OR REPLACE INTO {_TABLE} VALUES (?, ?, now())",
        [table, json.dumps(value, default=str)],
    )


def read_watermark(database: Path, table: str) -> Any:
    """The last value that was read for a table, or None if nothing was loaded yet."""
    if not database.exists():
        return None
    with open_database(database, read_only=True) as connection:
        known = connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'dataflow'"
        ).fetchone()
        if known is None:
            return None
        row = connection.execute(
            f"SELECT last_value FROM {_TABLE} WHERE table_name = ?", [table]
        ).fetchone()
    return json.loads(row[0]) if row else None
