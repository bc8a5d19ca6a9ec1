"""Which run's rows a table has: what a run had added before it ended early is not added again.

It is kept in the warehouse, in the transaction that loads the rows, as the watermark is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_TABLE = "dataflow.batches"


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


def loaded_already(connection: DuckDBPyConnection, table: str, batch: Batch) -> str:
    """The run that added these rows to a table already, or nothing.

    That is the run itself, when its load is repeated, or the one that loaded last, if it did not
    come to a good end and its source had given the very same rows. After a good end the same rows
    are new rows: `append` adds what comes.

    The connection is inside the transaction that loads the rows.
    """
    _make_table(connection)
    again = connection.execute(
        f"SELECT 1 FROM {_TABLE} WHERE table_name = ? AND run_id = ?", [table, batch.run_id]
    ).fetchone()
    if again:
        return batch.run_id
    last = connection.execute(
        f"SELECT run_id, fingerprint FROM {_TABLE} WHERE table_name = ? "
        "ORDER BY loaded_at DESC LIMIT 1",
        [table],
    ).fetchone()
    if last is None or not last[1] or last[1] != _fingerprint(connection, batch.extracted):
        return ""
    return "" if batch.is_finished(str(last[0])) else str(last[0])


def save_batch(connection: DuckDBPyConnection, table: str, batch: Batch) -> None:
    """Note that a batch is in a table, in the transaction that puts it there."""
    _make_table(connection)
    connection.execute(
        f"INSERT INTO {_TABLE} VALUES (?, ?, ?, get_current_timestamp())",
        [table, batch.run_id, _fingerprint(connection, batch.extracted)],
    )


def _make_table(connection: DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS dataflow")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {_TABLE} (table_name VARCHAR, run_id VARCHAR, "
        "fingerprint VARCHAR, loaded_at TIMESTAMPTZ, PRIMARY KEY (table_name, run_id))"
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
