"""Stages on a Parquet file, by SQL: DuckDB reads and compares, and spills to disk."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.shared.edited_file import ROW_NUMBER, EditedFile, rows_connection
from dataflow.shared.parquet_copy import copy_to_parquet, keeps_arrow_types
from dataflow.shared.sql import count_rows, quote_identifier
from dataflow.shared.step_progress import step_progress
from dataflow.stages.duplicates import find_repetitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from dataflow.shared.edited_file import Added


def can_use_file(path: Path) -> bool:
    """Whether SQL makes of a Parquet file just what Arrow makes of its table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(str(path)) as file:
            schema = file.schema_arrow
    except (OSError, pa.ArrowInvalid):
        # Reading the rows says what is wrong with it.
        return False
    return (
        keeps_arrow_types(schema)
        and ROW_NUMBER not in map(str.lower, schema.names)
        # What pandas says about its index and types is lost in DuckDB.
        and b"pandas" not in (schema.metadata or {})
    )


class RowsFile:
    """Rows in a Parquet file, and what is to be done to them, on a connection of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._relation = EditedFile(path).numbered
        described = connection.execute(f"DESCRIBE FROM {EditedFile(path).relation}")
        self._own = [str(name) for name, *_ in described.fetchall()]
        self._added: dict[str, Added] = {}
        self._repetitions = 0
        self._total = count_rows(connection, self._relation)

    @property
    def rows(self) -> int:
        """How many rows there are after what was done so far."""
        return self._total - self._repetitions

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return [*self._own, *self._added]

    def remove_duplicates(self) -> None:
        """Leave out the rows that are equal to an earlier one in every column."""
        step_progress().begin("looking for duplicates")
        # A column that was added has one value for all: it tells no row from another.
        names = [quote_identifier(name) for name in self._own]
        self._repetitions = find_repetitions(self._connection, self._relation, names, ROW_NUMBER)

    def add_column(self, name: str, moment: datetime) -> None:
        """Add a column that has the same time in every row."""
        self._added[name] = moment

    def edited(self) -> EditedFile:
        """What the rows are after what was done; whoever reads them does it."""
        if not self._repetitions:
            return EditedFile(self._path, added=dict(self._added))
        left_out = self._path.with_name(f"{uuid.uuid4().hex}.left_out.parquet")
        copy_to_parquet(self._connection, "FROM repetitions", left_out)
        return EditedFile(self._path, left_out, self._repetitions, dict(self._added))


@contextmanager
def open_file(path: Path) -> Iterator[RowsFile]:
    """Open a Parquet file of rows for stages.

    Raises:
        TableFileError: The file cannot be read, or the disk is full.
    """
    with rows_connection(path) as connection:
        yield RowsFile(connection, path)
