"""A cursor as an Arrow column: which values lie ahead of now, and which between two others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.sources.row_identity import horizon

if TYPE_CHECKING:
    import pyarrow as pa


def beyond_now(column: pa.ChunkedArray) -> Any:
    """Which values are moments in the future; None if the column holds none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return None
    limit = horizon()
    if pa.types.is_date(kind):
        bound = pa.scalar(limit.date(), kind)
    else:
        bound = pa.scalar(limit if kind.tz else limit.replace(tzinfo=None), kind)
    beyond = pc.fill_null(pc.greater(column, bound), False)
    return beyond if pc.any(beyond).as_py() else None


def rows_between(
    table: pa.Table, name: str, values: pa.ChunkedArray, start: Any, until: Any
) -> tuple[pa.Table, pa.ChunkedArray]:
    """The rows whose value lies from ``start`` on and before ``until``, and their values.

    As a database gives them that compares values, rows without one are left out where there is a
    bound. Those with something that is no value stay: it is not known where they belong.

    Args:
        name: The cursor's column, as it came.
        values: What it says; null where that is nothing, or no value.
    """
    import pyarrow.compute as pc

    inside = None
    for bound, compare in ((start, pc.greater_equal), (until, pc.less)):
        if bound is not None:
            within = pc.fill_null(compare(values, scalar_of(bound, values.type)), False)
            inside = within if inside is None else pc.and_(inside, within)
    if inside is None:
        return table, values
    kept = pc.or_(inside, pc.and_(pc.is_null(values), pc.is_valid(table[name])))
    return table.filter(kept), values.filter(kept)


def scalar_of(value: Any, kind: pa.DataType) -> pa.Scalar:
    """A value as one of a column's type."""
    import pyarrow as pa

    return pa.scalar(value).cast(kind)
