"""Rows of a Parquet file of which some are left out, and to which columns are added."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.lazy_rows import LazyRows, TableFileError
from dataflow.shared.parquet_copy import copy_to_parquet
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.shared.step_progress import step_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

# What DuckDB calls the position of a row in a Parquet file.
ROW_NUMBER = "file_row_number"

# A column that is added has one value for all rows.
Added: TypeAlias = datetime | str


@dataclass(frozen=True)
class EditedFile:
    """What is to be done to the rows of a Parquet file; it is done by who reads them.

    A file to which nothing is done may have columns of any name and type. Of others, DuckDB
    has to read the types as they are, and none is called ``file_row_number``.

    Args:
        file: The rows.
        left_out: A Parquet file with the numbers of those that are left out, in its column ``n``.
        rows_left_out: How many these are.
        added: Columns that come behind the file's own, each with its value.

    >>> import duckdb
    >>> from pathlib import Path
    >>> duckdb.sql("SELECT 1 AS id").write_parquet("ids.parquet")
    >>> edited = EditedFile(Path("ids.parquet"), added={"of": "eu"})
    >>> duckdb.sql(f"FROM {edited.relation}").fetchall()
    [(1, 'eu')]
    """

    file: Path
    left_out: Path | None = None
    rows_left_out: int = 0
    added: Mapping[str, Added] = field(default_factory=dict)

    @property
    def is_edited(self) -> bool:
        """Whether they are not just the rows of the file."""
        return self.left_out is not None or bool(self.added)

    @property
    def rows(self) -> int:
        """How many rows there are.

        Raises:
            TableFileError: The file is missing or not readable as Parquet.
        """
        return len(LazyRows(self.file)) - self.rows_left_out

    @property
    def relation(self) -> str:
        """The rows as what may stand after FROM, in their order."""
        read = f"read_parquet({quote_literal(self.file)})"
        if self.left_out is not None:
            return f"(SELECT * EXCLUDE ({ROW_NUMBER}) FROM {self.numbered})"  # noqa: S608
        return f"(SELECT *{self._values} FROM {read})" if self.added else read  # noqa: S608

    @property
    def numbered(self) -> str:
        """The same with a column ``file_row_number``, which grows from row to row."""
        read = f"read_parquet({quote_literal(self.file)}, {ROW_NUMBER} = true)"
        if not self.is_edited:
            return read
        return f"(SELECT *{self._values} FROM {read}{self._condition})"  # noqa: S608

    def with_column(self, name: str, value: Added) -> EditedFile:
        """With one more column."""
        return replace(self, added={**self.added, name: value})

    def write(self, target: Path) -> None:
        """Write the rows into a file of their own, whole or not at all.

        Raises:
            TableFileError: The file cannot be read or written.
        """
        with rows_connection(self.file) as connection:
            step_progress().begin("writing", total_rows=self.rows, is_whole=True)
            beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            copy_to_parquet(connection, f"FROM {self.relation}", beside)
            beside.replace(target)

    @property
    def _condition(self) -> str:
        """Which rows are not left out, as a bit for each row of the file.

        A join, which DuckDB makes of NOT IN as well, may lose their order.
        """
        if self.left_out is None:
            return ""
        last = len(LazyRows(self.file)) - 1
        left_out = f"read_parquet({quote_literal(self.left_out)})"
        bits = f"SELECT bitstring_agg(n::BIGINT, 0::BIGINT, {last}::BIGINT) FROM {left_out}"  # noqa: S608
        return f" WHERE get_bit(({bits}), {ROW_NUMBER}::INTEGER) = 0"

    @property
    def _values(self) -> str:
        return "".join(
            f", {_literal(value)} AS {quote_identifier(name)}" for name, value in self.added.items()
        )


@contextmanager
def rows_connection(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to work on the rows of a Parquet file, in UTC.

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
                yield connection
        except (duckdb.Error, OSError) as error:
            raise TableFileError(
                f"The rows in {path} cannot be read or written anew: {error}",
                "Free disk space or make the folder writable, and run again.",
            ) from error


def _literal(value: Added) -> str:
    if isinstance(value, datetime):
        return f"{quote_literal(value.isoformat())}::TIMESTAMPTZ"
    return f"{quote_literal(value)}::VARCHAR"
