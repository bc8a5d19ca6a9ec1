"""Rows as a sequence of dicts that is an Arrow table as well, read only where somebody asks."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any, overload

from dataflow.shared.errors import DataflowError
from dataflow.shared.taken_rows import TakenRow, is_nested, taken_rows, with_changed_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

Row = dict[str, Any]
# Rows that are Python's values at one time, while somebody goes through them.
_ROWS_AT_ONCE = 10_000


class TableFileError(DataflowError):
    """A Parquet file of rows cannot be written or read."""


class LazyRows(Sequence[Row]):
    """What ``data["data"]`` is: dicts to go through, count, index and slice, and an Arrow stream.

    ``pandas.DataFrame(rows)``, ``polars.DataFrame(rows)``, ``pyarrow.table(rows)`` and DuckDB's
    ``FROM rows`` take it. Every attribute of a ``pyarrow.Table`` works, too: ``rows.to_pandas()``,
    ``rows.filter(...)``, ``rows.column_names``; and ``rows["name"]`` is a column.

    Rows of a file are read when they are needed: counting and names never read any, one row reads
    the part of the file that it is in, going through reads one part after the other.

    A row is changed where it is, as in a list: what is done to a dict that was taken from here is
    done to the rows. Of lists and dicts within a row that holds as long as somebody goes through
    the rows, or has taken the row by its position.

    Args:
        rows: The rows, or a Parquet file of them that nobody changes.

    >>> import pyarrow as pa
    >>> rows = LazyRows(pa.table({"id": [1, 2]}))
    >>> rows[0], len(rows), [row["id"] for row in rows], rows.column_names
    ({'id': 1}, 2, [1, 2], ['id'])
    """

    def __init__(self, rows: pa.Table | Path) -> None:
        is_file = isinstance(rows, os.PathLike)
        self._path: Path | None = rows if is_file else None
        self._table: pa.Table | None = None if is_file else rows
        self._known: pq.FileMetaData | None = None
        self._columns: dict[str, pa.ChunkedArray] = {}
        self._part: tuple[int, pa.Table] | None = None
        # Those that somebody has changed, by their numbers.
        self._changed: dict[int, TakenRow] = {}
        # Those with lists or dicts in them that were taken by their position, and as they were.
        self._lent: dict[int, tuple[TakenRow, Row]] = {}
        # What these are a slice of, and which rows of it.
        self._whole: tuple[LazyRows, range] | None = None

    @property
    def path(self) -> Path | None:
        """The file that has exactly these rows, if there is one."""
        return None if self._changes else self._file

    @property
    def table(self) -> pa.Table:
        """All rows as an Arrow table.

        Raises:
            TableFileError: The file is missing or not readable as Parquet.
            TableError: What somebody has put into a column does not go together.
        """
        if self._table is None:
            with self._opened() as file:
                self._table = file.read()
        if changes := self._changes:
            return with_changed_rows(self._table, changes)
        return self._table

    @property
    def schema(self) -> pa.Schema:
        """The columns' names and types."""
        return self.table.schema if self._changes else self._schema

    @property
    def column_names(self) -> list[str]:
        """The columns' names."""
        names: list[str] = self.schema.names
        return names

    @property
    def num_columns(self) -> int:
        """How many columns there are."""
        return len(self.column_names)

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self)

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""
        return len(self), self.num_columns

    def to_reader(self, max_chunksize: int | None = None) -> pa.RecordBatchReader:
        """The rows as a stream, which never holds more than a part of a file."""
        if self._changes:
            return self.table.to_reader(max_chunksize)
        return self._reader(max_chunksize)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        if self._table is not None:
            return int(self._table.num_rows)
        return int(self._metadata.num_rows)

    def __iter__(self) -> Iterator[Row]:
        number = 0
        nested = [field.name for field in self._schema if is_nested(field.type)]
        for batch in self._reader(_ROWS_AT_ONCE):
            rows = taken_rows(batch.to_pylist(), self, number)
            number += len(rows)
            try:
                for row in rows:
                    # Also one that was changed since, by its position.
                    yield self._changed.get(row._number, row) if self._changed else row
            finally:
                if nested:
                    self._keep_changed_within(rows, batch.select(nested))

    def __reversed__(self) -> Iterator[Row]:
        return reversed(list(self))

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> LazyRows: ...
    @overload
    def __getitem__(self, key: str) -> pa.ChunkedArray: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice):
            numbers = range(len(self))[key]
            rows = LazyRows(self._slice(numbers))
            rows._whole = self, numbers
            return rows
        # Whatever counts as an index, as NumPy's integers do; the error is that of a list.
        number = range(len(self))[key]
        return self._changed[number] if number in self._changed else self._taken(number)

    def __contains__(self, row: object) -> bool:
        return isinstance(row, Mapping) and any(own == row for own in self)

    def __eq__(self, other: object) -> bool:
        import pyarrow as pa

        if isinstance(other, pa.Table):
            return bool(self.table.equals(other))
        if isinstance(other, LazyRows):
            return other is self or bool(self.table.equals(other.table))
        if isinstance(other, list | tuple):
            return len(self) == len(other) and all(
                own == row for own, row in zip(self, other, strict=True)
            )
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Any) -> list[Row]:
        return [*self, *other]

    def __radd__(self, other: Any) -> list[Row]:
        return [*other, *self]

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of {', '.join(self.column_names)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # The file may be gone where they are unpacked.
        return LazyRows, (self.table,)

    def __copy__(self) -> LazyRows:
        return self

    def __deepcopy__(self, memo: object) -> LazyRows:
        # Neither a table nor the file changes.
        return LazyRows(self.table if self.path is None else self.path)

    def __getattr__(self, name: str) -> Any:
        """Whatever else a ``pyarrow.Table`` has."""
        import pyarrow as pa

        if name.startswith("_") or not hasattr(pa.Table, name):
            hint = f" A list has: list(rows).{name}" if hasattr(list, name) else ""
            raise AttributeError(f"Rows have no attribute {name!r}, nor has a pyarrow.Table.{hint}")
        return getattr(self.table, name)

    def __dir__(self) -> list[str]:
        import pyarrow as pa

        return sorted({*super().__dir__(), *(n for n in dir(pa.Table) if not n.startswith("_"))})

    def keep(self, number: int, row: TakenRow) -> None:
        """Let a row be what somebody is about to make of it."""
        other = self._changed.get(number)
        if other is row:
            return
        if other is not None:
            # It was taken twice, and in a list both would be one dict.
            dict.clear(row)
            dict.update(row, other)
        self._changed[number] = row
        if self._whole is not None:
            rows, numbers = self._whole
            rows.keep(numbers[number], row)

    @property
    def _changes(self) -> dict[int, TakenRow]:
        for number, (row, before) in self._lent.items():
            if row != before:
                self.keep(number, row)
        return self._changed

    def _keep_changed_within(self, rows: list[TakenRow], before: pa.RecordBatch) -> None:
        for row, was in zip(rows, before.to_pylist(), strict=True):
            if any(name in row and row[name] != value for name, value in was.items()):
                self.keep(row._number, row)

    @property
    def _file(self) -> Path | None:
        """The file that the rows came from."""
        return self._path

    @property
    def _schema(self) -> pa.Schema:
        if self._table is not None:
            return self._table.schema
        with self._opened() as file:
            return file.schema_arrow

    def _reader(self, rows: int | None) -> pa.RecordBatchReader:
        """The rows as they were, whatever somebody has changed."""
        import pyarrow as pa

        if self._table is not None:
            return self._table.to_reader(rows)
        return pa.RecordBatchReader.from_batches(self._schema, self._batches(rows))

    def _taken(self, number: int) -> TakenRow:
        if number in self._lent:
            return self._lent[number][0]
        [row] = taken_rows([self._row(number)], self, number)
        if any(isinstance(value, list | dict) for value in row.values()):
            self._lent[number] = row, self._row(number)
        return row

    @property
    def _metadata(self) -> pq.FileMetaData:
        if self._known is None:
            with self._opened() as file:
                self._known = file.metadata
        return self._known

    def _column(self, name: str) -> pa.ChunkedArray:
        known = self._table is not None or self._changes
        if known or self.column_names.count(name) != 1:
            return self.table[name]
        if name not in self._columns:
            with self._opened() as file:
                self._columns[name] = file.read(columns=[name])[name]
        return self._columns[name]

    def _row(self, number: int) -> Row:
        if self._table is not None:
            return dict(self._table.slice(number, 1).to_pylist()[0])
        groups = self._metadata.num_row_groups
        ends = list(accumulate(self._metadata.row_group(at).num_rows for at in range(groups)))
        group = bisect_right(ends, number)
        if self._part is None or self._part[0] != group:
            with self._opened() as file:
                self._part = group, file.read_row_group(group)
        _, part = self._part
        return dict(part.slice(number - (ends[group] - part.num_rows), 1).to_pylist()[0])

    def _slice(self, numbers: range) -> pa.Table:
        if numbers.step == 1:
            return self.table.slice(numbers.start, len(numbers))
        import pyarrow as pa

        return self.table.take(pa.array(numbers, pa.int64()))

    def _batches(self, rows: int | None) -> Iterator[pa.RecordBatch]:
        with self._opened() as file:
            yield from file.iter_batches(rows or _ROWS_AT_ONCE)

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = os.fspath(self._file) if self._file is not None else ""
        try:
            # Not `pq.read_table`, which imports pandas by way of pyarrow.dataset.
            with pq.ParquetFile(path) as file:
                yield file
        except (OSError, pa.ArrowInvalid) as error:
            raise TableFileError(
                f"The rows in {path} cannot be read: {error}",
                "Run the workflow again from its start.",
            ) from error
