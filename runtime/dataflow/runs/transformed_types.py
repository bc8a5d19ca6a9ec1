"""Columns that have another type after transforming, by which values may have become others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

# From here on a fraction does not hold every whole number.
_EXACT = 2**53


def refuse_changed_types(before: pa.Schema, after: Path, *, agreed: bool) -> None:
    """Refuse columns whose values may be others than those that came, though nobody meant it.

    pandas makes fractions of whole numbers beside missing ones, which hold no long ones. And where
    a contract says that a column has moments, models take what has no time zone for UTC.

    Args:
        before: The columns as they came.
        after: The Parquet file of the transformed rows.
        agreed: Whether a contract names the columns.

    Raises:
        BadInputError: There is such a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(after) as file:
        for field in file.schema_arrow:
            at = before.get_field_index(field.name)
            if at < 0 or before.field(at).type == field.type:
                continue
            was = before.field(at).type
            if pa.types.is_integer(was) and pa.types.is_floating(field.type):
                _refuse_long_numbers(file.read(columns=[field.name])[field.name], field.name)
            if agreed and _is_moment(was) and _is_moment(field.type):
                _refuse_other_clock(was, field)


def _refuse_long_numbers(column: pa.ChunkedArray, name: str) -> None:
    import pyarrow.compute as pc

    largest = pc.max(pc.abs(column)).as_py()
    if largest is not None and largest >= _EXACT:
        raise BadInputError(
            f"The column {quoted(name)} had whole numbers, and transform.py gives fractions, which "
            f"do not hold every number from {_EXACT:,} on: the largest is {largest:,.0f} now, and "
            "what it was is not known; nothing was loaded.",
            "pandas does so where a value is missing: make the frame by "
            '`data["data"].to_pandas(types_mapper=pd.ArrowDtype)`, which keeps whole numbers.',
        )


def _is_moment(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _has_zone(kind: pa.DataType) -> bool:
    return getattr(kind, "tz", None) is not None


def _refuse_other_clock(was: pa.DataType, field: pa.Field) -> None:
    if _has_zone(was) == _has_zone(field.type):
        return
    had, has = ("a time zone", "none") if _has_zone(was) else ("no time zone", "one")
    raise BadInputError(
        f"The times of the column {quoted(field.name)} had {had}, as the contract says, and "
        f"transform.py gives them with {has}: models and pages would read them by another clock; "
        "nothing was loaded.",
        "Leave the column as it was in transform.py, and give the new one a name of its own.",
    )
