"""Rows on their way from one step to the next, whichever kind a person's code makes them."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from dataflow.shared.column_values import (
    TableError,
    arrow_column,
    refuse_changed,
    refuse_other_names,
)
from dataflow.shared.frame_types import with_periods_as_texts, without_periods
from dataflow.shared.lazy_rows import LazyRows, TableFileError
from dataflow.shared.parquet_types import durations_as_texts, storable
from dataflow.shared.row_compression import row_compression
from dataflow.shared.shown import quoted
from dataflow.shared.step_progress import step_progress
from dataflow.shared.wide_decimals import narrowed

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

# Also whatever is an Arrow stream, as a Polars DataFrame is. An iterator gives dicts, or parts.
Rows: TypeAlias = (
    "Sequence[dict[str, Any]] | pd.DataFrame | pa.Table | pa.RecordBatchReader | Iterator[Any]"
)
_KINDS = (
    "Return a list of dicts, a pandas or Polars DataFrame, an Arrow table or stream, or an "
    "iterator of dicts or of such parts."
)


def to_arrow(data: Rows) -> pa.Table:
    """Rows of any kind as one Arrow table.

    A list's columns are all the keys of all its rows, in the order they are first met; a row
    without a key has null there. NaN is null, integers among floats become floats, and integers
    too large for 64 bits become decimals. Decimals of more than 38 digits, which DuckDB misreads,
    are text where a value needs them. A DataFrame's named index becomes columns.

    Raises:
        TableError: The data is of another kind, or a column's values do not go together; the
            column and the first row that does not fit are named (rows counted from 0).
        WideDecimalError: A number of more than 38 digits is within a list or a struct.

    >>> to_arrow([{"id": 1}, {"id": 2, "name": "b"}]).to_pylist()
    [{'id': 1, 'name': None}, {'id': 2, 'name': 'b'}]
    """
    table = _table(data)
    _refuse_duplicates(table.column_names)
    return storable(narrowed(table))


def row_count(data: Rows) -> int:
    """How many rows there are.

    Raises:
        TableError: The data is a stream, which only reading can count, or not rows at all.

    >>> row_count([{"id": 1}, {"id": 2}])
    2
    """
    if _is_countable(data):
        return int(data.num_rows if hasattr(data, "num_rows") else len(data))  # type: ignore[arg-type]
    raise TableError(f"Rows that came as {type(data).__name__} cannot be counted.", _KINDS)


def countable(data: Rows) -> Rows:
    """Rows that can be counted and gone through again: `LazyRows` of a table, stream or iterator.

    A list and a DataFrame stay what they are.

    >>> len(countable(iter([{"id": 1}, {"id": 2}])))
    2
    """
    import pyarrow as pa

    if _is_countable(data) and not isinstance(data, pa.Table | pa.RecordBatch):
        return data
    return LazyRows(to_arrow(data))


def _is_countable(data: Any) -> bool:
    return hasattr(data, "num_rows") or (_is_table(data) and hasattr(data, "__len__"))


def write_parquet(data: Rows, path: Path, known: pa.Schema | None = None) -> int:
    """Write rows to a Parquet file, whole or not at all.

    An Arrow stream is written as it comes and never held as a whole.

    What was there is replaced; the folder has to exist.

    Args:
        known: What the columns were before somebody made other values of them: a column that has
            nulls only keeps its type, and where there are no rows at all, all columns stay.

    Returns:
        How many rows were written.

    Raises:
        TableError: The rows cannot be made a table.
        TableFileError: The file cannot be written.

    >>> from pathlib import Path
    >>> write_parquet([{"id": 1}, {"id": 2}], Path("rows.parquet"))
    2
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    progress = step_progress()
    if isinstance(data, LazyRows):
        progress.begin("writing", total_rows=len(data))
        data = data.to_reader()
    tables = _each_table(data) if isinstance(data, pa.RecordBatchReader) else [to_arrow(data)]
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    rows = 0
    try:
        with ExitStack() as stack:
            writer: Any = None
            for table in (durations_as_texts(_as_known(table, known)) for table in tables):
                writer = writer or stack.enter_context(
                    pq.ParquetWriter(beside, table.schema, compression=row_compression())
                )
                _refuse_other_types(table, writer.schema)
                writer.write_table(table)
                rows += table.num_rows
                progress.count(rows=rows)
        beside.replace(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TableFileError(
            f"The rows could not be written to {path}: {error}",
            "Free disk space or make the folder writable, and run again.",
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return rows


def like(table: pa.Table, original: Rows) -> Rows:
    """An Arrow table as the kind of rows that ``original`` is.

    A DataFrame comes back with the column types that ``original`` had where the values still
    fit them, and with a fresh index.

    >>> like(to_arrow([{"id": 1}]), [])
    [{'id': 1}]
    """
    import pyarrow as pa

    if isinstance(original, LazyRows):
        return LazyRows(table)
    if isinstance(original, pa.Table | pa.RecordBatch):
        return table
    if isinstance(original, pa.RecordBatchReader):
        return table.to_reader()
    if _is_frame(original):
        known = without_periods(original.head(0))
        metadata = pa.Schema.from_pandas(known, preserve_index=False).metadata
        frame: pd.DataFrame = table.replace_schema_metadata(metadata).to_pandas()
        return frame
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(original, polars.DataFrame):
        return polars.from_arrow(table)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _table(data: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(data, LazyRows):
        return data.table
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if _is_frame(data):
        return _from_frame(data)
    if _is_lazy_frame(data):
        data = data.collect()
    if hasattr(data, "__arrow_c_stream__"):
        return _from_polars(data) if _is_of_polars(data) else pa.table(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _from_list(data)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | Mapping):
        return _from_iterator(iter(data))
    several = (
        " Several tables are several `ingestion.sources`." if isinstance(data, Mapping) else ""
    )
    raise TableError(f"Rows came as {type(data).__name__}.", _KINDS + several)


def _from_iterator(rows: Iterator[Any]) -> pa.Table:
    """One table of dicts, or of parts that each are rows of any kind."""
    first = next(rows, None)
    if first is None:
        return _from_list([])
    every: Iterable[Any] = chain([first], rows)
    if isinstance(first, Mapping):
        return _from_list(list(step_progress().counting(every)))
    if isinstance(first, list | tuple):
        return _from_list([row for part in every for row in _as_list(part)])
    if _is_table(first):
        return _one_of([_table(part) for part in every])
    # Something else: the error names it, and its place.
    return _from_list([first])


def _as_list(part: Any) -> Sequence[Any]:
    return part if isinstance(part, list | tuple) else [part]


def _one_of(parts: list[pa.Table]) -> pa.Table:
    """Tables one below the other; one that lacks a column, or has nulls only in it, fits any."""
    import pyarrow as pa

    plain = [part.replace_schema_metadata(None) for part in parts]
    for promotion in ("default", "permissive"):
        try:
            return pa.concat_tables(plain, promote_options=promotion)
        except pa.ArrowException as error:
            fault: Exception = error
    raise TableError(
        f"The parts of the rows do not go together: {fault}",
        "Give each part the same columns with the same types.",
    ) from fault


def _is_table(data: Any) -> bool:
    """Whether it is a table or a list by itself, and not an iterator of rows or of parts."""
    if isinstance(data, str | bytes | Mapping):
        return False
    return isinstance(data, Sequence) or hasattr(data, "__arrow_c_stream__") or _is_frame(data)


def _is_of_polars(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "polars"


def _is_lazy_frame(data: Any) -> bool:
    return _is_of_polars(data) and type(data).__name__ == "LazyFrame"


def _is_frame(data: Any) -> TypeGuard[pd.DataFrame]:
    # Whoever made a DataFrame has pandas loaded; nobody else should pay for the import.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _from_polars(frame: Any) -> pa.Table:
    for name, kind in getattr(frame, "schema", {}).items():
        if str(kind) == "Object":
            # Polars hands on where such values are in memory.
            raise TableError(f"The column {quoted(name)} has Python's objects.", "Make them text.")
    # Polars' own way leaves no types that Parquet cannot hold.
    return frame.to_arrow()


def _from_frame(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    frame = frame.set_axis([str(name) for name in frame.columns], axis="columns")
    _refuse_duplicates(list(frame.columns))
    frame = with_periods_as_texts(frame)
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.table({name: arrow_column(name, frame[name].tolist()) for name in frame.columns})
    for name in frame.columns:
        if frame[name].dtype == object:
            refuse_changed(name, frame[name], table.schema.field(name).type)
    return table


def _from_list(rows: Sequence[Any]) -> pa.Table:
    import pyarrow as pa

    names: dict[str, None] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise TableError(
                f"Row {number} is {type(row).__name__}, not a dict.",
                "Return a list of dicts, one for each row.",
            )
        # Most rows have the keys of the first one.
        if row.keys() != names.keys():
            names.update(dict.fromkeys(row))
    refuse_other_names(names)
    return pa.table({name: arrow_column(name, [row.get(name) for row in rows]) for name in names})


def _refuse_duplicates(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise TableError(
            f"Columns are there twice: {', '.join(map(quoted, twice))}.", "Rename one of each."
        )


def _as_known(table: pa.Table, known: pa.Schema | None) -> pa.Table:
    import pyarrow as pa

    if known is None:
        return table
    if not table.num_columns:
        return known.empty_table() if not table.num_rows else table
    if not table.num_rows and not set(table.column_names) & set(known.names):
        # Dicts of which there is none have no columns; what was set on all of them is new.
        return pa.schema([*known, *table.schema]).empty_table()
    for at, field in enumerate(table.schema):
        number = known.get_field_index(field.name)
        if pa.types.is_null(field.type) and number >= 0:
            kind = known.field(number).type
            table = table.set_column(at, field.with_type(kind), table.column(at).cast(kind))
    return table


def _each_table(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The batches of a stream as tables; the first one is empty and has the columns."""
    import pyarrow as pa

    # Not `empty_table()`, which makes pyarrow import pandas.
    yield to_arrow(pa.Table.from_batches([], reader.schema))
    for batch in reader:
        yield to_arrow(batch)


def _refuse_other_types(table: pa.Table, schema: pa.Schema) -> None:
    """A batch of a stream whose numbers have more digits than those before it is text here."""
    for field, wanted in zip(table.schema, schema, strict=True):
        if field.type != wanted.type:
            raise TableError(
                f"The column {quoted(field.name)} has a number that {wanted.type} does not hold.",
                "Make the column text before it is written; the warehouse holds no such number.",
            )
