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


def refuse_changed_types(before: Path, after: Path, *, agreed: bool) -> None:
    """Refuse columns whose values may be others than those that came, though nobody meant it.

    pandas makes fractions of whole numbers beside missing ones, which hold no long ones. And where
    a contract says that a column has moments, models take what has no time zone for UTC: times may
    get a zone or lose it, as long as they are those that came, by UTC's clock.

    Args:
        before: The Parquet file of the rows as they came.
        after: That of the transformed rows.
        agreed: Whether a contract names the columns.

    Raises:
        BadInputError: There is such a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(before) as source, pq.ParquetFile(after) as file:
        for field in file.schema_arrow:
            at = source.schema_arrow.get_field_index(field.name)
            if at < 0 or source.schema_arrow.field(at).type == field.type:
                continue
            name, was = field.name, source.schema_arrow.field(at).type
            if pa.types.is_integer(was) and pa.types.is_floating(field.type):
                _refuse_long_numbers(file.read(columns=[name])[name], name)
            if (
                agreed
                and _is_moment(was)
                and _is_moment(field.type)
                and _has_zone(was) != _has_zone(field.type)
                and not _are_among(file.read(columns=[name])[name], source.read([name])[name])
            ):
                raise _other_clock(was, name)


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


def _are_among(after: pa.ChunkedArray, before: pa.ChunkedArray) -> bool:
    """Whether all times that a column has now are some of those that it had, by UTC's clock."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.array(_microseconds(before).unique())
    return pc.all(pc.is_in(_microseconds(after), value_set=known)).as_py() is not False


def _microseconds(times: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    kind = pa.timestamp("us", "UTC" if _has_zone(times.type) else None)
    return times.drop_null().cast(kind, safe=False).cast(pa.int64())


def _other_clock(was: pa.DataType, name: str) -> BadInputError:
    had, has = ("a time zone", "none") if _has_zone(was) else ("no time zone", "one")
    return BadInputError(
        f"The times of the column {quoted(name)} had {had}, as the contract says, and "
        f"transform.py gives others with {has}: models and pages would read them by another clock; "
        "nothing was loaded.",
        "Leave the column as it was in transform.py, and give the new one a name of its own.",
    )
