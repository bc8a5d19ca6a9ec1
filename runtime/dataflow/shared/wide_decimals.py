"""Decimals of more than 38 digits, which no DuckDB holds: from Parquet it reads other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from decimal import Decimal

    import pyarrow as pa

MOST_DIGITS = 38
# Where the values do not say how many digits they have after the point, as in a stream.
_MOST_DECIMALS = 18


class WideDecimalError(BadInputError):
    """A number has more digits than the warehouse holds.

    Why: DuckDB's decimals have 38 digits at most, and such a number would be rounded.

    What to do: Make it text, or fewer digits, where it comes from.
    """


def wide_columns(schema: pa.Schema) -> list[str]:
    """The columns with such decimals, however deep within them."""
    return [field.name for field in schema if _is_wide(field.type)]


def narrowed(table: pa.Table, notes: list[str] | None = None) -> pa.Table:
    """A table whose decimals have 38 digits at most, with the same values in it.

    A column with a number that has more digits is text; ``notes`` is told of it.

    Raises:
        WideDecimalError: Such a number is within a list or a struct.
    """
    import pyarrow as pa

    for name in wide_columns(table.schema):
        index = table.column_names.index(name)
        try:
            narrow = _narrow(table[index])
        except pa.ArrowException:
            raise WideDecimalError(
                f"The column {quoted(name)} has numbers of more than {MOST_DIGITS} digits within "
                "lists or structs; the warehouse holds no such numbers.",
                "Make them text where they come from, or in ingestion.py.",
            ) from None
        if notes is not None and str(narrow.type) == "string":
            notes.append(
                f"Column {quoted(name)} is text: it has numbers of more than {MOST_DIGITS} digits."
            )
        table = table.set_column(index, table.schema.field(index).with_type(narrow.type), narrow)
    return table


def narrow_type(kind: pa.DataType) -> pa.DataType:
    """A type with decimals of 38 digits in the place of wider ones."""
    import pyarrow as pa

    if pa.types.is_decimal(kind) and kind.precision > MOST_DIGITS:
        return pa.decimal128(MOST_DIGITS, max(0, min(kind.scale, _MOST_DECIMALS)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(narrow_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(narrow_type(kind.key_type), narrow_type(kind.item_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(narrow_type(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        value = kind.value_field.with_type(narrow_type(kind.value_type))
        return pa.list_(value, kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(narrow_type(kind.value_type)))
    return kind


def _is_wide(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _is_wide(kind.value_type)
    return bool(narrow_type(kind) != kind)


def _narrow(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        return column.cast(narrow_type(column.type))
    except pa.ArrowException:
        if not pa.types.is_decimal(column.type):
            raise
    numbers = [chunk.to_pylist() for chunk in column.chunks]
    values = [value for chunk in numbers for value in chunk if value is not None]
    scale = max((_scale(value) for value in values), default=0)
    try:
        return column.cast(pa.decimal128(MOST_DIGITS, min(scale, MOST_DIGITS)))
    except pa.ArrowException:
        texts = [[None if v is None else format(v, "f") for v in chunk] for chunk in numbers]
        return pa.chunked_array(texts, pa.string())


def _scale(value: Decimal) -> int:
    """How many digits a number has after the point, without the noughts at its end."""
    digits = format(value, "f").partition(".")[2]
    return len(digits.rstrip("0"))
