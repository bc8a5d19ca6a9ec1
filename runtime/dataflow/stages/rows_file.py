"""Stages on a Parquet file, by SQL: DuckDB reads, compares and writes, and spills to disk."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.lazy_rows import TableFileError
from dataflow.shared.parquet_copy import copy_to_parquet, keeps_arrow_types
from dataflow.shared.sql import count_rows, quote_identifier, quote_literal
from dataflow.shared.step_progress import step_progress
from dataflow.stages.duplicates import find_repetitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import duckdb

_NUMBER = "file_row_number"


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
        and _NUMBER not in map(str.lower, schema.names)
        # What pandas says about its index and types is lost in DuckDB.
        and b"pandas" not in (schema.metadata or {})
    )


class RowsFile:
    """Rows in a Parquet file, and what is to be done to them, on a connection of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._relation = f"read_parquet({quote_literal(path)}, file_row_number = true)"
        described = connection.execute(f"DESCRIBE FROM read_parquet({quote_literal(path)})")
        self._own = [str(name) for name, *_ in described.fetchall()]
        self._added: dict[str, datetime] = {}
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
        self._repetitions = find_repetitions(self._connection, self._relation, names, _NUMBER)

    def add_column(self, name: str, moment: datetime) -> None:
        """Add a column that has the same time in every row."""
        self._added[name] = moment

    def write(self) -> Path:
        """Write the rows into a new file beside the old one, unless nothing has changed."""
        if not self._repetitions and not self._added:
            return self._path
        step_progress().begin("writing", total_rows=self.rows, is_whole=True)
        target = self._path.with_name(f"{uuid.uuid4().hex}.parquet")
        added = "".join(
            f", {quote_literal(moment.isoformat())}::TIMESTAMPTZ AS {quote_identifier(name)}"
            for name, moment in self._added.items()
        )
        kept = f"WHERE {_NUMBER} NOT IN (FROM repetitions)" if self._repetitions else ""
        rows = f"SELECT * EXCLUDE ({_NUMBER}){added} FROM {self._relation} {kept}"  # noqa: S608
        copy_to_parquet(self._connection, rows, target)
        return target


@contextmanager
def open_file(path: Path) -> Iterator[RowsFile]:
    """Open a Parquet file of rows for stages.

    Raises:
        TableFileError: The file cannot be read, or the disk is full.
    """
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            # What does not fit into memory goes beside the rows, not into the current folder.
            connection.execute(f"SET temp_directory = {quote_literal(path.parent / 'spill')}")
            limit_memory(connection)
            with step_progress().watching(connection, ""):
                yield RowsFile(connection, path)
        except duckdb.Error as error:
            raise TableFileError(
                f"The rows in {path} cannot be read or written anew: {error}",
                "Free disk space or make the folder writable, and run again.",
            ) from error
