"""The cells of a sheet as columns: of one kind each, or text."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# What fits into a bigint.
_LARGEST = 2**63 - 1


def column_of(name: str, values: list[Any], *, is_text: bool) -> tuple[pa.Array, list[str]]:
    """A column of the values of its cells, None for none, and what is to be told of it.

    Args:
        is_text: The contract says so: numbers in it are their texts.
    """
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if is_text and kinds <= {int, float}:
        # Beside 6.5 the text of 5 is 5.
        return pa.array([v if v is None else text_of(v) for v in values], pa.string()), []
    if kinds == {date, datetime}:
        values = [_at_midnight(value) for value in values]
        kinds = {datetime}
    if kinds <= {int, float}:
        # Spreadsheets have no whole numbers of their own.
        whole = all(value is None or float(value).is_integer() for value in values)
        if kinds and whole and any(value and abs(value) > _LARGEST for value in values):
            exact = all(value is None or float(value) == value for value in values)
            as_is = [value if value is None else float(value) for value in values]
            texts = [None if value is None else text_of(value) for value in values]
            return pa.array(as_is if exact else texts), []
        if kinds and whole:
            values = [None if value is None else int(value) for value in values]
        return pa.array(values, type=None if kinds else pa.string()), []
    if len(kinds) == 1:
        return pa.array(values), []
    listed = ", ".join(sorted(kind.__name__ for kind in kinds))
    texts = [None if value is None else text_of(value) for value in values]
    return pa.array(texts), [f"Column {name!r} has values of several kinds ({listed}); it is text."]


def _at_midnight(value: date | datetime | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time())


def text_of(value: str | float | bool | date | time | timedelta) -> str:
    """What a cell shows.

    >>> text_of(5.0), text_of(6.5), text_of("a")
    ('5', '6.5', 'a')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)
