"""Rows of databases whose drivers make Python values of them: SQLite and others."""

from __future__ import annotations

import json
import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dataflow.shared.step_progress import step_progress
from dataflow.shared.wide_decimals import MOST_DIGITS
from dataflow.sources.column_names import compared_name, distinct_names
from dataflow.sources.inference import TypedTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from sqlalchemy import Connection, CursorResult

_SCALARS = (str, int, float, bytes, Decimal, date, time, timedelta, UUID, type(None))


def read_values(
    connection: Connection,
    query: str,
    values: Mapping[str, Any],
    size: int,
    limit: int | None = None,
    texts: frozenset[str] = frozenset(),
) -> TypedTable:
    """Read a query in batches of ``size`` rows, ``limit`` rows at most.

    The types are those that the values speak for; a column of several kinds is text.

    Args:
        texts: The columns that are text by the contract, see `agreed_texts`: beside 6.5 the text
            of 5 is 5.
    """
    import sqlalchemy as sa

    # A colon would be taken for a parameter.
    text = sa.text(_escaped(query, values))
    result = connection.execution_options(yield_per=size).execute(text, dict(values))
    names, notes = distinct_names(list(result.keys()))
    mixed: set[int] = set()
    agreed = {index for index, name in enumerate(names) if compared_name(name) in texts}
    batches = [
        _arrays(rows, len(names), mixed, agreed) for rows in _partitions(result, size, limit)
    ]
    table = _joined(names, batches, mixed)
    kinds = "has values of several kinds; it is text."
    notes += [f"Column {names[index]!r} {kinds}" for index in sorted(mixed)]
    return TypedTable(table, notes)


def with_declared_types(table: pa.Table, declared: Mapping[str, str]) -> pa.Table:
    """The table with columns in which there is no value in the type that the database declares.

    Args:
        declared: SQL's name of the type, by the column's name.
    """
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        kind = _arrow_type(declared.get(field.name, ""))
        if kind is not None and table[index].null_count == table.num_rows:
            nothing = pa.chunked_array([pa.nulls(table.num_rows, kind)])
            table = table.set_column(index, field.with_type(kind), nothing)
    return table


def _arrow_type(declared: str) -> pa.DataType | None:
    """What a declared type is in Arrow, if that is anything but text."""
    import pyarrow as pa

    name, _, rest = declared.upper().partition("(")
    name = name.strip()
    if name in ("NUMERIC", "DECIMAL"):
        digits = [int(part) for part in re.findall(r"\d+", rest)] + [0]
        fits = len(digits) > 1 and digits[1] <= digits[0] <= MOST_DIGITS and digits[0] > 0
        return pa.decimal128(digits[0], digits[1]) if fits else None
    kinds = {
        "BOOL": pa.bool_(),
        "DATE": pa.date32(),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us"),
        "BLOB": pa.binary(),
    }
    if name.endswith("INT") or name.startswith("INT"):
        return pa.int64()
    if name.startswith(("REAL", "FLOAT", "DOUBLE")):
        return pa.float64()
    return kinds.get(name.removesuffix("EAN"))


def _escaped(query: str, values: Mapping[str, Any]) -> str:
    """The query with every colon as it stands, but for those of its parameters."""
    query = query.replace(":", "\\:")
    for name in values:
        query = query.replace(f"\\:{name}", f":{name}")
    return query


def _partitions(result: CursorResult[Any], size: int, limit: int | None) -> Iterator[list[Any]]:
    """Batches of rows, until there are no more or enough."""
    left, read, progress = limit, 0, step_progress()
    for rows in result.partitions(size):
        read += len(rows)
        progress.count(rows=read)
        yield list(rows if left is None else rows[:left])
        if left is not None:
            left -= len(rows)
            if left <= 0:
                return


def _arrays(rows: Sequence[Any], width: int, mixed: set[int], agreed: set[int]) -> list[pa.Array]:
    """One batch by column; a column whose values do not go together is text, and is `mixed`."""
    import pyarrow as pa

    arrays = []
    for index, values in enumerate(zip(*rows, strict=True) if rows else [()] * width):
        first = next((value for value in values if value is not None), None)
        plain = isinstance(first, str | int | float | bytes | None)
        column = list(values) if plain else [_value(value) for value in values]
        try:
            if isinstance(first, str | bytes) and _has_both(column):
                # Arrow makes bytes of the texts.
                raise TypeError("texts and bytes")
            if index in agreed and type(first) in (int, float):
                arrays.append(pa.array([_text(value) for value in column], pa.string()))
                continue
            arrays.append(pa.array(column))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            arrays.append(pa.array([_text(value) for value in column], pa.string()))
            mixed.add(index)
    return arrays


def _value(value: Any) -> Any:
    """A database's value as one that Arrow has a type for."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return [_value(item) for item in value]
    return _text(value)


def _has_both(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    return str in kinds and bool({bytes, memoryview, bytearray} & kinds)


def _text(value: Any) -> str | None:
    if isinstance(value, memoryview | bytearray):
        value = bytes(value)
    if isinstance(value, bytes):
        # SQLite's text may be kept as bytes; others are written as Postgres writes them.
        try:
            return value.decode()
        except UnicodeDecodeError:
            return f"\\x{value.hex()}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return None if value is None else str(value)


def _joined(names: list[str], batches: list[list[pa.Array]], mixed: set[int]) -> pa.Table:
    """All batches as one table, each column in a type that holds all of its values."""
    import pyarrow as pa

    columns = {}
    for index, name in enumerate(names):
        arrays = [batch[index] for batch in batches]
        kinds = [array.type for array in arrays if not pa.types.is_null(array.type)]
        try:
            kind = _common(kinds)
            columns[name] = pa.chunked_array([array.cast(kind) for array in arrays], kind)
        except pa.ArrowException:
            texts = [[_text(value) for value in array.to_pylist()] for array in arrays]
            columns[name] = pa.chunked_array(texts, pa.string())
            mixed.add(index)
    return pa.table(columns)


def _common(kinds: list[pa.DataType]) -> pa.DataType:
    """The type that holds the values of all these; text if there are none; times in UTC."""
    import pyarrow as pa

    if not kinds:
        return pa.string()
    if any(map(pa.types.is_binary, kinds)) and any(map(pa.types.is_string, kinds)):
        raise pa.ArrowInvalid("texts and bytes")
    schemas = [
        pa.schema([("v", pa.timestamp("us", "UTC") if _zoned(kind) else kind)]) for kind in kinds
    ]
    return pa.unify_schemas(schemas, promote_options="permissive").field("v").type


def _zoned(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_timestamp(kind) and kind.tz is not None
