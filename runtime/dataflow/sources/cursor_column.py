"""A cursor as an Arrow column: which values lie ahead of now, and which between two others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError
from dataflow.sources.row_identity import horizon, moment_of

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = len("2024-01-31")


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


def as_plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of values that Arrow and Python can put in order: UUIDs are texts."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # What a watermark says is of microseconds.
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    texts = [None if value is None else str(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def of_other_shape(column: str, start: str, length: str = "char_length") -> list[str]:
    """SQL of texts that may be later than one, though their signs come before.

    There are none, or `refuse_other_order` tells of them.

    Args:
        column: The column, as SQL of texts.
        length: What the database calls the function that counts signs.
    """
    if start.isdecimal():
        return [f"{length}({column}) > {len(start)}"]
    if moment_of(start) is None or len(start) <= _DAY:
        return []
    parted = [f"substr({column}, {_DAY + 1}, 1) <> '{start[_DAY]}'"]
    has_zone = re.search(r"(Z|[+-]\d\d:?\d\d)$", start)
    # Without a zone more digits are but later.
    return [*parted, f"{length}({column}) <> {len(start)}"] if has_zone else parted


def refuse_other_order(field: str, column: pa.ChunkedArray, start: Any) -> None:
    """Refuse a cursor of texts whose order is not that of what they stand for.

    Texts go sign by sign: 9 after 10, and 2024-01-02T10:00 after 2024-01-02 11:00. And the database
    may have an order of its own for them, in which b1 is before B2.

    Args:
        start: The value that was asked from, if any. Rows that come before it by their signs came
            because the database has another order.

    Raises:
        SourceDataError: What is new cannot be told, and some of it would never be read.
    """
    import pyarrow.compute as pc

    largest = pc.max(column).as_py()
    if largest is None:
        return
    if isinstance(start, str) and start > largest:
        largest = start
    digits = column.filter(pc.utf8_is_decimal(column))
    longer = digits.filter(pc.greater(pc.utf8_length(digits), len(largest)))
    if largest.isdecimal() and len(longer):
        raise _other_order(field, "numbers", largest, longer[0].as_py(), "bigint")
    shapes = pc.unique(pc.replace_substring_regex(column.drop_null(), r"\d", "0")).to_pylist()
    widest = max(shapes, key=len)
    if moment_of(largest) and not all(widest.startswith(shape) for shape in shapes):
        other = next(
            value for value in column.to_pylist() if value and _shape(value) != _shape(largest)
        )
        raise _other_order(field, "times", largest, other, "timestamp")
    before = column.filter(pc.less(column, start)) if isinstance(start, str) else column.slice(0, 0)
    if len(before):
        raise SourceDataError(
            f"The database puts {quoted(before[0].as_py())} of {quoted(field)} after "
            f"{quoted(start)}, up to which it was read, and by their signs it comes before: which "
            "rows are new cannot be told.",
            "Choose a column for `ingestion.source.incremental` with numbers or times, or one "
            "whose texts are compared sign by sign (a binary collation).",
        )


def _shape(text: str) -> str:
    return re.sub(r"\d", "0", text)


def _other_order(field: str, what: str, largest: str, other: str, kind: str) -> SourceDataError:
    return SourceDataError(
        f"The values of {quoted(field)} are {what} that are text in the source, whose order is "
        f"another one: {quoted(largest)} comes after {quoted(other)} there.",
        f"Set `type: {kind}` on {quoted(field)} in `ingestion.columns`: rows are chosen by that "
        "then.",
    )
