"""Where the rows of a source are kept once they are read: in a file of the run, or in memory.

A table in memory has to fit into it; a run writes rows of any number down as they are read.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from dataflow.shared.duckdb_memory import at_most
from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.parquet_copy import copy_to_parquet, keeps_types
from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    KeptRows: TypeAlias = pa.Table | LazyRows

# Batches of this many rows keep long texts below the 2 GiB that Arrow allows a batch.
BATCH_ROWS = 122_880
_folder: ContextVar[Path | None] = ContextVar("dataflow_rows_folder", default=None)
_looking: ContextVar[bool] = ContextVar("dataflow_rows_looked_at", default=False)
# What is looked at is read column by column: smaller parts, so that many columns fit into memory.
_CELLS_IN_GROUP = 2_000_000
_FEWEST_IN_GROUP = 8_192


@contextmanager
def rows_kept_in(folder: Path) -> Iterator[Path]:
    """Have what is read inside written to files of a folder, which is gone at the end."""
    before = _folder.get()
    folder.mkdir(parents=True, exist_ok=True)
    _folder.set(folder)
    try:
        yield folder
    finally:
        _folder.set(before)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def rows_looked_at(folder: Path, memory: str) -> Iterator[None]:
    """Have what is read inside written to files, also where its types are found out.

    Args:
        folder: Where; it has to exist, and belongs to whoever asks.
        memory: What DuckDB may take meanwhile; what it needs beside that goes into the folder.
    """
    before, looked = _folder.get(), _looking.get()
    _folder.set(folder)
    _looking.set(True)
    try:
        with at_most(memory, folder):
            yield
    finally:
        _folder.set(before)
        _looking.set(looked)


def found_rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, names: Sequence[str]
) -> KeptRows:
    """The rows of a query whose types were found out, with other names for its columns.

    They are a table, or a file inside of `rows_looked_at`.

    Raises:
        TableFileError: The file cannot be written.
        duckdb.Error: The query cannot be run.
    """
    relation = connection.sql(query)
    columns = zip(relation.columns, names, strict=True)
    named = relation.project(
        ", ".join(f"{quote_identifier(key)} AS {quote_identifier(name)}" for key, name in columns)
    )
    if _looking.get() and keeps_types(named):
        return rows_of(connection, named.sql_query())
    return relation.to_arrow_table(batch_size=BATCH_ROWS).rename_columns(list(names))


def rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, others: frozenset[str] = frozenset()
) -> KeptRows:
    """The rows of a query: in a file where `rows_kept_in` names a folder, else as a table.

    Rows of types that Parquet does not give back as they were are a table in any case; those of
    types in ``others`` are not.

    Raises:
        TableFileError: The file cannot be written.
        duckdb.Error: The query cannot be run.
    """
    folder, relation = _folder.get(), connection.sql(query)
    if folder is None or not keeps_types(relation, others):
        return relation.to_arrow_table(batch_size=BATCH_ROWS)
    path = folder / f"{uuid.uuid4().hex}.parquet"
    width = len(relation.columns)
    group = max(_CELLS_IN_GROUP // width, _FEWEST_IN_GROUP) if _looking.get() else None
    copy_to_parquet(connection, query, path, rows_in_group=group)
    return LazyRows(path)
