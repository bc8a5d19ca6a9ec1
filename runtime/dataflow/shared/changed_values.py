"""Python values of several kinds in one column: which Arrow refuses, or takes for others."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa


def first_changed(values: Iterable[Any], kind: pa.DataType) -> tuple[int, str] | None:
    """The first value that another one has become in an array, and what those before it are.

    Among days a moment would lose its time of day, among numbers a truth value would be 1, and of
    moments with a time zone beside others without one nobody has said by whose clock these are.

    Args:
        values: What the array was made of.
        kind: The type that it has.

    >>> import pyarrow as pa
    >>> from datetime import date, datetime
    >>> first_changed([date(2024, 1, 1), None, datetime(2024, 1, 2, 5)], pa.date32())
    (2, 'date')
    >>> first_changed([2.5, 1], pa.float64()) is None
    True
    """
    import pyarrow as pa

    if pa.types.is_date32(kind):
        return _first(values, "date", lambda value: isinstance(value, datetime))
    if pa.types.is_floating(kind):
        return _first(values, "float", lambda value: isinstance(value, bool))
    if pa.types.is_time(kind):
        zoned = "time without a time zone"
        return _first(values, zoned, lambda value: isinstance(value, time) and bool(value.tzinfo))
    if not pa.types.is_timestamp(kind):
        return None
    has_zone = kind.tz is not None
    return _first(
        values,
        f"datetime with{'' if has_zone else 'out'} a time zone",
        lambda value: isinstance(value, datetime) and (value.tzinfo is not None) != has_zone,
    )


def _first(
    values: Iterable[Any], before: str, is_changed: Callable[[Any], bool]
) -> tuple[int, str] | None:
    # pandas' NaT is a datetime, and no value: it is not what it is compared with.
    found = (n for n, value in enumerate(values) if is_changed(value) and value == value)
    number = next(found, None)
    return None if number is None else (number, before)


def first_unconvertible(values: Sequence[Any]) -> int:
    """The first value with which an array cannot be made of those up to it, found by halving.

    >>> first_unconvertible([1, None, "a", "b"])
    2
    """
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        if _converts(values[:middle]):
            low = middle
        else:
            high = middle
    return high - 1


def _converts(values: Sequence[Any]) -> bool:
    import pyarrow as pa

    try:
        pa.array(values, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True
