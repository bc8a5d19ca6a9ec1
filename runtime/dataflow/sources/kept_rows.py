"""Where the rows of a source are kept once they are read: in a file of the run, or in memory.

A table in memory has to fit into it; a run writes rows of any number down as they are read.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.parquet_copy import copy_to_parquet, keeps_types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    KeptRows: TypeAlias = pa.Table | LazyRows

# Batches of this many rows keep long texts below the 2 GiB that Arrow allows a batch.
BATCH_ROWS = 122_880
_folder: ContextVar[Path | None] = ContextVar("dataflow_rows_folder", default=None)


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
    copy_to_parquet(connection, query, path)
    return LazyRows(path)
