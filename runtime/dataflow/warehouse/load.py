"""Loading a Parquet file into a warehouse table: replace, append or merge, all or nothing."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dataflow.shared.edited_file import EditedFile
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import counted, quoted
from dataflow.shared.sql import count_rows, quote_identifier, quote_literal
from dataflow.shared.step_progress import step_progress
from dataflow.shared.wide_decimals import MOST_DIGITS, wide_columns
from dataflow.warehouse.column_fit import FittedColumn, column_types, fit_columns
from dataflow.warehouse.database import WarehouseError, open_database
from dataflow.warehouse.kind import LoadRequest, LoadResult
from dataflow.warehouse.load_log import (
    forget_loads,
    forget_watermark,
    loaded_already,
    save_batch,
    save_partition,
    save_watermark,
)
from dataflow.warehouse.merging import merge_rows
from dataflow.warehouse.owned_rows import replace_owned_rows
from dataflow.warehouse.spans import delete_span
from dataflow.warehouse.tables import OWN_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.tables import Tables

RAW_SCHEMA = "raw"
PARTITION_COLUMN = "partition_key"
# What an error says of a table whose rows belong to no partition.
UNPARTITIONED = "rows that were loaded without partitions"
REJECTED_SCHEMA = "rejected"


def load_table(
    database: Path,
    came: Path | EditedFile,
    request: LoadRequest,
) -> LoadResult:
    """Load rows into ``raw.<table>`` of a DuckDB file, see `load_rows`."""
    with open_database(database) as connection:
        return load_rows(connection, came, request)


def load_rows(
    connection: DuckDBPyConnection,
    came: Path | EditedFile,
    request: LoadRequest,
    tables: Tables = OWN_TABLES,
) -> LoadResult:
    """Load a Parquet file, or what is made of one, into ``raw.<table>`` of a connection.

    It is done in one transaction of its own. The table is in the connection's current catalog: a
    DuckDB file, or what is attached and used.

    ``replace`` makes the table anew with the file's columns. ``append`` adds the rows. ``merge``
    replaces the rows that have the same primary key and adds the others; where the file has a key
    twice, its last row counts, or the one with the greatest cursor. Append and merge add columns
    that the table lacks and widen those whose new values would not fit, as long as every value
    stays what it is; columns that the file lacks become null. A file without rows leaves the table
    and its columns as they are, but for ``replace`` with ``allow_empty``. Where rows come again
    that an append had added, they take the place of all rows of their span. Rows of one partition
    take the place of those that the table has of it, whatever the disposition; a ``merge`` also
    replaces rows of others with the same key.

    Raises:
        BadInputError: A key column is missing or null, a column changed to a type that does not
            fit, a number is too long, or no rows came for a ``replace``.
        WarehouseError: The table cannot be written.
    """
    table, disposition = request.table, request.write_disposition
    source = came if isinstance(came, EditedFile) else EditedFile(came)
    rows = source.relation
    target = tables.relation(f"{RAW_SCHEMA}.{table}")
    batch = request.batch if disposition == "append" else None
    anew = request.full_refresh or (disposition == "replace" and request.partition is None)
    loaded_by, columns, gone, undecided = "", list[FittedColumn](), 0, 0
    progress, is_whole = step_progress(), anew and disposition == "replace"
    with (
        progress.watching(connection, "", is_whole=is_whole),
        _transaction(connection, table),
    ):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {tables.schema(RAW_SCHEMA)}")
        exists = table in tables.names(connection, RAW_SCHEMA)
        incoming = _incoming(source, table, exists=exists)
        progress.count(total_rows=incoming)
        _refuse_wide_decimals(source.file, table)
        if incoming:
            _refuse_unwritable_names(connection, rows)
        gone = _others(connection, target, request) if exists else 0
        if request.full_refresh:
            forget_loads(connection, table, tables)
        elif incoming and batch is not None:
            loaded_by = loaded_already(connection, table, batch, tables)
        if exists and incoming == 0:
            if disposition == "merge" and request.owners is not None:
                replace_owned_rows(connection, target, rows, [], request.owners, tables)
            if anew or request.partition is not None:
                _empty(connection, target, request)
        elif anew and disposition == "replace":
            tables.replace(connection, target, rows)
        elif not loaded_by:
            if anew or not exists:
                tables.replace(connection, target, f"{rows} LIMIT 0")
            _refuse_rows_without_partition(connection, target, request)
            of_list = table if request.owners is not None else ""
            columns = fit_columns(connection, target, rows, request.texts, tables, of_list=of_list)
            if request.partition is not None:
                connection.execute(f"DELETE FROM {target} WHERE {_is_of(request.partition)}")
            if disposition == "merge" and request.owners is not None:
                replace_owned_rows(connection, target, rows, columns, request.owners, tables)
            elif disposition == "merge":
                key, cursor = request.primary_key, request.cursor
                undecided = merge_rows(connection, target, source, columns, key, cursor)
            else:
                if request.span is not None:
                    delete_span(connection, target, request.span)
                _insert(connection, target, rows, columns)
            if batch is not None:
                save_batch(connection, table, batch, tables)
        if not loaded_by:
            _keep_rejected(connection, request, tables)
        if request.partition is not None:
            save_partition(connection, table, request.partition, tables)
        if request.watermark is not None:
            save_watermark(connection, table, request.watermark, tables)
        elif request.full_refresh:
            forget_watermark(connection, table, tables)
        total = count_rows(connection, target)
    notes = [
        f"Column {quoted(column.own_name)} of {RAW_SCHEMA}.{table} was {column.was}, and is text "
        "now, as the contract says: its earlier values are written as the warehouse writes them."
        for column in columns
        if column.was
    ]
    if undecided:
        notes.append(
            f"{counted(undecided, 'key')} of {RAW_SCHEMA}.{table} came in several rows that "
            "differ: the last row of each counts."
        )
    rows_loaded = 0 if loaded_by else incoming
    loaded = f"{RAW_SCHEMA}.{table}"
    return LoadResult(loaded, rows_loaded, total, loaded_by, notes=notes, rows_gone=gone)


@contextmanager
def _transaction(connection: DuckDBPyConnection, table: str) -> Iterator[None]:
    """Commit at the end; put everything back if anything goes wrong on the way."""
    import duckdb

    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException as error:
        # After a commit that failed there is nothing left to roll back, and DuckDB says so.
        with suppress(duckdb.Error):
            connection.rollback()
        # About the file, not about the rows: who opened the file says what to do.
        of_file = (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException)
        if isinstance(error, of_file) or not isinstance(error, duckdb.Error):
            raise
        raise WarehouseError(
            f"Loading into {RAW_SCHEMA}.{table} failed, and the table is as it was: {error}",
            "If the values no longer fit a column's type, cast them in transform.py, or load "
            "with `write_disposition: replace` once.",
        ) from error


def _incoming(came: EditedFile, table: str, *, exists: bool) -> int:
    """How many rows came, unless not even columns came, of which the table could be made."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(came.file)
    if not exists and metadata.num_columns == 0:
        raise BadInputError(
            f"The source gave no rows and no columns, of which {RAW_SCHEMA}.{table} could be made.",
            "Run again when the source has rows, or correct `ingestion.source` in config.yaml.",
        )
    return int(metadata.num_rows) - came.rows_left_out


def _refuse_unwritable_names(connection: DuckDBPyConnection, rows: str) -> None:
    """A name with a NUL would be kept, and no statement could name the column again."""
    wrong = next((name for name in column_types(connection, rows) if "\0" in name), None)
    if wrong is not None:
        raise BadInputError(
            f"The name of the column {quoted(wrong)} has a NUL character; nothing was loaded.",
            "Rename the column in transform.py, or in the source.",
        )


def _refuse_wide_decimals(parquet: Path, table: str) -> None:
    """A file that an author's own step wrote may hold numbers that DuckDB takes for others."""
    import pyarrow.parquet as pq

    wide = wide_columns(pq.read_schema(parquet))
    if wide:
        raise BadInputError(
            f"The column {quoted(wide[0])} for {RAW_SCHEMA}.{table} has decimals of more than "
            f"{MOST_DIGITS} digits, which DuckDB does not hold; nothing was loaded.",
            "Cast it to fewer digits or to text in ingestion.py or transform.py.",
        )


def _insert(
    connection: DuckDBPyConnection, target: str, rows: str, columns: Sequence[FittedColumn]
) -> None:
    values = ", ".join(f"{c.expression} AS {quote_identifier(c.own_name)}" for c in columns)
    connection.execute(f"INSERT INTO {target} BY NAME SELECT {values} FROM {rows}")


def _empty(connection: DuckDBPyConnection, target: str, request: LoadRequest) -> None:
    """Make a table empty, or a partition of it, for which no row came."""
    _refuse_rows_without_partition(connection, target, request)
    of_partition = request.partition is not None and not request.full_refresh
    rows = f"{target} WHERE {_is_of(request.partition or '')}" if of_partition else target
    kept = count_rows(connection, rows) if count_rows(connection, target) else 0
    what = f"partition {request.partition} of " if of_partition else ""
    has = f"and {what}{RAW_SCHEMA}.{request.table} has {kept:,}"
    if request.allow_empty:
        # An answer without rows often has no columns either; those of the table stay.
        if kept:
            connection.execute(f"DELETE FROM {rows}")
    elif kept and request.rejected is not None:
        raise BadInputError(
            f"The contract put all rows aside, {has}, which are kept. What did not fit is in the "
            "warnings of the step extract.",
            "Correct `ingestion.columns` in config.yaml, or the source; "
            "`dataflow workflow inspect` compares the two."
            if request.owners is None
            else f"Correct `child_tables.{request.table}.columns` in config.yaml, or the source.",
        )
    elif kept:
        raise BadInputError(
            f"The source gave no rows, {has}; they are kept.",
            "If it is meant to become empty, set `load.allow_empty: true` in config.yaml.",
        )


def _refuse_rows_without_partition(
    connection: DuckDBPyConnection, target: str, request: LoadRequest
) -> None:
    """Of rows that were loaded without partitions nobody can tell which are to be replaced."""
    if request.partition is None or request.full_refresh:
        return
    names = {name.lower() for name in column_types(connection, target)}
    unknown = f"{target} WHERE {PARTITION_COLUMN} IS NULL"
    has_key = PARTITION_COLUMN in names
    if rows := count_rows(connection, unknown if has_key else target):
        raise BadInputError(
            f"{RAW_SCHEMA}.{request.table} has {rows:,} {UNPARTITIONED}; "
            "which of them a partition replaces cannot be told, and nothing was loaded.",
            "Begin anew with the first partition: `dataflow workflow run NAME --partition KEY "
            "--full-refresh`, then `dataflow workflow backfill NAME` for the others.",
        )


def _others(connection: DuckDBPyConnection, target: str, request: LoadRequest) -> int:
    """How many rows of other partitions a full refresh of one takes away."""
    if not request.full_refresh or request.partition is None:
        return 0
    names = {name.lower() for name in column_types(connection, target)}
    if PARTITION_COLUMN not in names:
        return count_rows(connection, target)
    other = f"{PARTITION_COLUMN} IS DISTINCT FROM {quote_literal(request.partition)}"
    return count_rows(connection, f"{target} WHERE {other}")


def _is_of(partition: str) -> str:
    return f"{PARTITION_COLUMN} = {quote_literal(partition)}"


def _keep_rejected(connection: DuckDBPyConnection, request: LoadRequest, tables: Tables) -> None:
    """Keep the rows that the contract put aside; after a replace only those of this load."""
    target = tables.relation(f"{REJECTED_SCHEMA}.{request.table}")
    is_whole = request.write_disposition == "replace" and request.partition is None
    replaces = is_whole or request.full_refresh
    if request.rejected is None:
        if replaces and request.table in tables.names(connection, REJECTED_SCHEMA):
            connection.execute(f"DELETE FROM {target}")
        return
    rows = f"read_parquet({quote_literal(request.rejected)})"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {tables.schema(REJECTED_SCHEMA)}")
    if replaces:
        tables.replace(connection, target, f"{rows} LIMIT 0")
    else:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {target} AS FROM {rows} LIMIT 0")
    connection.execute(f"INSERT INTO {target} BY NAME FROM {rows}")
