"""Rows on their way from one step to the next, whichever kind a person's code makes them."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.shown import quoted
from dataflow.shared.wide_decimals import narrowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

Rows: TypeAlias = "list[dict[str, Any]] | pd.DataFrame | pa.Table | pa.RecordBatchReader"


class TableError(BadInputError):
    """Rows that cannot be made a table: mixed types in a column, or no rows at all."""


class TableFileError(DataflowError):
    """A Parquet file of rows cannot be written or read."""


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
    import pyarrow as pa

    if isinstance(data, pa.Table):
        table = data
    elif isinstance(data, pa.RecordBatchReader):
        table = data.read_all()
    elif isinstance(data, pa.RecordBatch):
        table = pa.Table.from_batches([data])
    elif _is_frame(data):
        table = _from_frame(data)
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        table = _from_list(data)
    else:
        raise TableError(
            f"Rows came as {type(data).__name__}.",
            "Return a list of dicts, a pandas DataFrame or a pyarrow Table.",
        )
    _refuse_duplicates(table.column_names)
    return _storable(narrowed(table))


def row_count(data: Rows) -> int:
    """How many rows there are.

    Raises:
        TableError: The data is a stream, which only reading can count, or not rows at all.

    >>> row_count([{"id": 1}, {"id": 2}])
    2
    """
    import pyarrow as pa

    if isinstance(data, pa.Table | pa.RecordBatch):
        return int(data.num_rows)
    if _is_frame(data) or (isinstance(data, Sequence) and not isinstance(data, str | bytes)):
        return len(data)
    raise TableError(
        f"Rows that came as {type(data).__name__} cannot be counted.",
        "Return a list of dicts, a pandas DataFrame or a pyarrow Table.",
    )


def write_parquet(data: Rows, path: Path) -> int:
    """Write rows to a Parquet file, whole or not at all.

    A stream (``pa.RecordBatchReader``) is written as it comes and never held as a whole.

    What was there is replaced; the folder has to exist.

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

    tables = _each_table(data) if isinstance(data, pa.RecordBatchReader) else [to_arrow(data)]
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    rows = 0
    try:
        with ExitStack() as stack:
            writer: Any = None
            for table in tables:
                writer = writer or stack.enter_context(
                    pq.ParquetWriter(beside, table.schema, compression="zstd")
                )
                _refuse_other_types(table, writer.schema)
                writer.write_table(table)
                rows += table.num_rows
        beside.replace(path)
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TableFileError(
            f"The rows could not be written to {path}: {error}",
            "Free disk space or make the folder writable, and run again.",
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return rows


def read_table(path: Path) -> pa.Table:
    """Read the rows that ``write_parquet`` wrote.

    Raises:
        TableFileError: The file is missing or not readable as Parquet.

    >>> from pathlib import Path
    >>> rows = write_parquet([{"id": 1}], Path("one.parquet"))
    >>> read_table(Path("one.parquet")).to_pylist()
    [{'id': 1}]
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not `pq.read_table`, which imports pandas by way of pyarrow.dataset.
        with pq.ParquetFile(os.fspath(path)) as file:
            return file.read()
    except (OSError, pa.ArrowInvalid) as error:
        raise TableFileError(
            f"The rows in {path} cannot be read: {error}", "Run the workflow again from its start."
        ) from error


def like(table: pa.Table, original: Rows) -> Rows:
    """An Arrow table as the kind of rows that ``original`` is.

    A DataFrame comes back with the column types that ``original`` had where the values still
    fit them, and with a fresh index.

    >>> like(to_arrow([{"id": 1}]), [])
    [{'id': 1}]
    """
    import pyarrow as pa

    if isinstance(original, pa.Table | pa.RecordBatch):
        return table
    if isinstance(original, pa.RecordBatchReader):
        return table.to_reader()
    if _is_frame(original):
        metadata = pa.Schema.from_pandas(original.head(0), preserve_index=False).metadata
        frame: pd.DataFrame = table.replace_schema_metadata(metadata).to_pandas()
        return frame
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _is_frame(data: Any) -> TypeGuard[pd.DataFrame]:
    # Whoever made a DataFrame has pandas loaded; nobody else should pay for the import.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _from_frame(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    frame = frame.set_axis([str(name) for name in frame.columns], axis="columns")
    _refuse_duplicates(list(frame.columns))
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        columns = {name: _array(name, frame[name].tolist()) for name in frame.columns}
        return pa.table(columns)


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
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise TableError(
            f"The column name {quoted(wrong[0])} is not text.", "Make every key a string."
        )
    return pa.table({name: _array(name, [row.get(name) for row in rows]) for name in names})


def _array(name: str, values: list[Any]) -> pa.Array:
    """One column of Python values, or an error that names its first value that does not fit."""
    import pyarrow as pa

    try:
        array = pa.array(values, from_pandas=True)
    except OverflowError:
        return _decimals(name, values)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _misfit(name, values) from error
    if pa.types.is_date32(array.type) and any(isinstance(value, datetime) for value in values):
        # Arrow would drop the times of day.
        number = next(i for i, value in enumerate(values) if isinstance(value, datetime))
        raise _mixed(name, number, values, "date")
    return array


def _decimals(name: str, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, type=pa.decimal128(38, 0), from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _misfit(name, values) from error


def _misfit(name: str, values: list[Any]) -> TableError:
    """Find the first row at which the column stops being convertible, by halving."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        if _converts(values[:middle]):
            low = middle
        else:
            high = middle
    before = next((type(v).__name__ for v in values[:low] if v is not None), "null")
    return _mixed(name, high - 1, values, before)


def _converts(values: list[Any]) -> bool:
    import pyarrow as pa

    try:
        pa.array(values, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True


def _mixed(name: str, number: int, values: list[Any], before: str) -> TableError:
    value = values[number]
    return TableError(
        f"The column {quoted(name)} cannot be made one type: row {number} has {quoted(value)} "
        f"({type(value).__name__}), and the rows before it have {before}.",
        "Make the column one type in ingestion.py or transform.py, for example with str(value).",
    )


def _refuse_duplicates(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise TableError(
            f"Columns are there twice: {', '.join(map(quoted, twice))}.", "Rename one of each."
        )


def _each_table(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The batches of a stream as tables; the first one is empty and has the columns."""
    yield to_arrow(reader.schema.empty_table())
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


def _storable(table: pa.Table) -> pa.Table:
    """The table without structs that have no fields: neither Parquet nor DuckDB can hold them."""
    import pyarrow as pa

    kinds = [_storable_type(field.type) for field in table.schema]
    if kinds == table.schema.types:
        return table
    columns = [
        pa.chunked_array([_storable_array(chunk) for chunk in column.chunks], type=kind)
        for column, kind in zip(table.columns, kinds, strict=True)
    ]
    fields = [field.with_type(kind) for field, kind in zip(table.schema, kinds, strict=True)]
    return pa.table(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _storable_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        fields = [field.with_type(_storable_type(field.type)) for field in kind]
        return pa.struct(fields) if fields else pa.null()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_storable_type(kind.value_type)))
    return kind


def _storable_array(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = _storable_type(array.type)
    if kind == array.type:
        return array
    if pa.types.is_null(kind):
        return pa.nulls(len(array))
    if pa.types.is_struct(kind):
        children = [_storable_array(child) for child in array.flatten()]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
    # Offsets made anew: those of a slice do not start at 0, which from_arrays refuses with a mask.
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    values = _storable_array(array.flatten())
    return pa.ListArray.from_arrays(offsets, values, type=kind, mask=array.is_null())
