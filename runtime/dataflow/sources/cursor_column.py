"""A cursor as an Arrow column: which values lie ahead of now, and which between two others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError
from dataflow.sources.row_identity import horizon

if TYPE_CHECKING:
    import pyarrow as pa

# 20240131, and with a time of day: all have as many digits.
_DAY = re.compile(r"(19|20)\d\d[01]\d[0-3]\d(\d{6})?")


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


def digits_as_texts(field: str, column: pa.ChunkedArray, largest: str) -> list[str]:
    """A note on a cursor of numbers that are texts, as long as their order is that of numbers.

    Args:
        largest: The greatest of the texts.

    Raises:
        SourceDataError: It is not: 9 comes after 10, and what is larger would never be read.
    """
    import pyarrow.compute as pc

    if not largest.isdecimal() or largest.startswith("0") or _DAY.fullmatch(largest):
        return []
    instruction = (
        f"Set `type: bigint` on {quoted(field)} in `ingestion.columns`: rows are chosen by their "
        "numbers then."
    )
    digits = column.filter(pc.utf8_is_decimal(column))
    longer = digits.filter(pc.greater(pc.utf8_length(digits), len(largest)))
    if len(longer):
        raise SourceDataError(
            f"The values of {quoted(field)} are numbers that are text in the source, in whose "
            f"order {quoted(largest)} comes after {quoted(longer[0].as_py())}.",
            instruction,
        )
    told = (
        f"{quoted(field)} has numbers that are text in the source, where 9 comes after 10: once "
        f"they get longer than {quoted(largest)}, new rows would not be read. {instruction}"
    )
    return [told]
