"""What a warehouse remembers of its loads: whose rows a table has, and how far its source is read.

So it does of partitions: which a table has.

It is kept in the warehouse, in the transaction that loads the rows: kept anywhere else, a crash
between the two writes would skip rows or load them twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_literal
from dataflow.warehouse.tables import OWN_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.tables import Tables

_SCHEMA = "dataflow"
_BATCHES = "dataflow.batches"
_WATERMARKS = "dataflow.watermarks"
_PARTITIONS = "dataflow.partitions"
# Under which a batch keeps what was computed of it.
_FINGERPRINT = "_fingerprint"


@dataclass(frozen=True)
class Batch:
    """The rows that one run extracted.

    Args:
        extracted: The Parquet file as it came from the source, before columns such as the time of
            the run were added.
        is_finished: Tells whether the run of some id came to a good end.
    """

    run_id: str
    extracted: Path
    is_finished: Callable[[str], bool]

    def fingerprint(self, connection: DuckDBPyConnection) -> str:
        """What tells the rows apart from others, see `_fingerprint`; they are read once for it."""
        known: str | None = self.__dict__.get(_FINGERPRINT)
        if known is None:
            known = _fingerprint(connection, self.extracted)
            self.__dict__[_FINGERPRINT] = known
        return known


def loaded_already(
    connection: DuckDBPyConnection, table: str, batch: Batch, tables: Tables = OWN_TABLES
) -> str:
    """The run that added these rows to a table already, or nothing.

    That is the run itself, when its load is repeated, or the one that loaded last, if it did not
    come to a good end and its source had given the very same rows. After a good end the same rows
    are new rows: `append` adds what comes.

    The connection is inside the transaction that loads the rows.
    """
    _make_table(connection, tables)
    again = connection.execute(
        f"SELECT 1 FROM {tables.relation(_BATCHES)} WHERE table_name = ? AND run_id = ?",
        [table, batch.run_id],
    ).fetchone()
    if again:
        return batch.run_id
    last = connection.execute(
        f"SELECT run_id, fingerprint FROM {tables.relation(_BATCHES)} WHERE table_name = ? "
        "ORDER BY loaded_at DESC LIMIT 1",
        [table],
    ).fetchone()
    if last is None or not last[1] or last[1] != batch.fingerprint(connection):
        return ""
    return "" if batch.is_finished(str(last[0])) else str(last[0])


def save_batch(
    connection: DuckDBPyConnection, table: str, batch: Batch, tables: Tables = OWN_TABLES
) -> None:
    """Note that a batch is in a table, in the transaction that puts it there."""
    _make_table(connection, tables)
    connection.execute(
        f"INSERT INTO {tables.relation(_BATCHES)} VALUES (?, ?, ?, get_current_timestamp())",
        [table, batch.run_id, batch.fingerprint(connection)],
    )


def save_watermark(
    connection: DuckDBPyConnection, table: str, value: Any, tables: Tables = OWN_TABLES
) -> None:
    """Keep the last value that was read for a table, in the transaction that loads the rows.

    The value is a text, a number, or anything whose text sorts as it does (dates in ISO format).
    """
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS {tables.schema(_SCHEMA)}; "
        f"CREATE TABLE IF NOT EXISTS {tables.relation(_WATERMARKS)} "
        "(table_name VARCHAR, last_value VARCHAR, saved_at TIMESTAMPTZ)"
    )
    # No keys: an attached catalog may have none. One run at a time writes here.
    text = json.dumps(value, default=str)
    known = f"SELECT 1 FROM {tables.relation(_WATERMARKS)} WHERE table_name = ?"
    if connection.execute(known, [table]).fetchone():
        connection.execute(
            f"UPDATE {tables.relation(_WATERMARKS)} SET last_value = ?, saved_at = now() "
            "WHERE table_name = ?",
            [text, table],
        )
        return
    connection.execute(
        f"INSERT INTO {tables.relation(_WATERMARKS)} VALUES (?, ?, now())", [table, text]
    )


def save_partition(
    connection: DuckDBPyConnection, table: str, key: str, tables: Tables = OWN_TABLES
) -> None:
    """Note that a partition is in a table, with or without rows, in the transaction that loads it.

    States that are brought back bring what they have of it along.
    """
    _make_partitions(connection, tables)
    known = (
        f"SELECT 1 FROM {tables.relation(_PARTITIONS)} WHERE table_name = ? AND partition_key = ?"
    )
    if not connection.execute(known, [table, key]).fetchone():
        connection.execute(
            f"INSERT INTO {tables.relation(_PARTITIONS)} VALUES (?, ?)", [table, key]
        )


def loaded_partitions(
    connection: DuckDBPyConnection, tables: Tables = OWN_TABLES
) -> set[str] | None:
    """The partitions that are in all tables that have any; None if nobody has noted any."""
    if not _has(connection, "partitions", tables):
        return None
    rows = connection.execute(
        f"SELECT partition_key FROM {tables.relation(_PARTITIONS)} GROUP BY partition_key "
        "HAVING count(*) = "
        f"(SELECT count(DISTINCT table_name) FROM {tables.relation(_PARTITIONS)})"
    ).fetchall()
    return {str(key) for (key,) in rows}


def forget_loads(connection: DuckDBPyConnection, table: str, tables: Tables = OWN_TABLES) -> None:
    """Forget whose rows a table has, in the transaction that makes it anew."""
    _make_table(connection, tables)
    connection.execute(f"DELETE FROM {tables.relation(_BATCHES)} WHERE table_name = ?", [table])
    if _has(connection, "partitions", tables):
        connection.execute(
            f"DELETE FROM {tables.relation(_PARTITIONS)} WHERE table_name = ?", [table]
        )


def forget_watermark(
    connection: DuckDBPyConnection, table: str, tables: Tables = OWN_TABLES
) -> None:
    """Have the next run read a table's source from its start."""
    if _has(connection, "watermarks", tables):
        connection.execute(
            f"DELETE FROM {tables.relation(_WATERMARKS)} WHERE table_name = ?", [table]
        )


def watermark_of(connection: DuckDBPyConnection, table: str, tables: Tables = OWN_TABLES) -> Any:
    """The last value that was read for a table, or None if nothing was loaded yet."""
    if not _has(connection, "watermarks", tables):
        return None
    row = connection.execute(
        f"SELECT last_value FROM {tables.relation(_WATERMARKS)} WHERE table_name = ?", [table]
    ).fetchone()
    return json.loads(row[0]) if row else None


def _has(connection: DuckDBPyConnection, table: str, tables: Tables) -> bool:
    return table in tables.names(connection, _SCHEMA)


def _make_partitions(connection: DuckDBPyConnection, tables: Tables = OWN_TABLES) -> None:
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS {tables.schema(_SCHEMA)}; "
        f"CREATE TABLE IF NOT EXISTS {tables.relation(_PARTITIONS)} "
        "(table_name VARCHAR, partition_key VARCHAR)"
    )


def _make_table(connection: DuckDBPyConnection, tables: Tables = OWN_TABLES) -> None:
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS {tables.schema(_SCHEMA)}; "
        f"CREATE TABLE IF NOT EXISTS {tables.relation(_BATCHES)} "
        "(table_name VARCHAR, run_id VARCHAR, fingerprint VARCHAR, loaded_at TIMESTAMPTZ)"
    )


def _fingerprint(connection: DuckDBPyConnection, parquet: Path) -> str:
    """What tells rows apart from other rows, whatever their order; empty for none at all."""
    import pyarrow.parquet as pq

    if pq.read_metadata(parquet).num_columns == 0:
        return ""
    row = connection.execute(
        "SELECT count(*) || ' ' || coalesce(sum(hash(r)::HUGEINT), 0) "
        f"FROM read_parquet({quote_literal(parquet)}) AS r"
    ).fetchone()
    return str(row[0]) if row else ""
