"""Whether a row that a source gives again is one that it gave before, by its values.

A value is compared as what it is, not as it is written: 1.500 is 1.5, and a moment is the same in
each zone. A text that is written as a number is one where its column is declared so, or where the
row has an id: the same record at the same moment, whose number is written in another way. Elsewhere
it is a text: ``1.10`` and ``1.1`` may be two versions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

_NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d{1,4})?\s*", re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)
# Without the zeros in front that codes have.
_WRITTEN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_IDENTITIES = ("id", "_id", "ID", "Id", "uuid", "guid", "key")
# Numbers as they are declared: DECIMAL(10,2), BIGINT, DOUBLE, NUMERIC, REAL, ...
_NUMERIC_TYPE = re.compile(r"(?i)(decimal|numeric|double|float|real|.*int(eger)?)\b")
# A clock that runs ahead, or a day that has begun elsewhere, is no date in the future.
_TOLERANCE = timedelta(days=2)
# How many digits a number is compared by.
_LONGEST = 400


def row_digest(row: Mapping[str, Any], types: Mapping[str, str] | None = None) -> str:
    """A digest of a row's values.

    Args:
        row: The row; a column without a value is as if it were not there.
        types: Declared types of columns, by name: texts in them are compared as such values.

    >>> row_digest({"a": Decimal("1.500"), "b": None}) == row_digest({"a": 1.5})
    True
    >>> row_digest({"a": "1.500"}) == row_digest({"a": "1.5"})
    False
    >>> row_digest({"a": "1.500"}, {"a": "DOUBLE"}) == row_digest({"a": 1.5})
    True
    >>> row_digest({"id": 1, "a": "1.500"}) == row_digest({"id": 1, "a": 1.5})
    True
    """
    declared = types or {}
    has_id = has_identity(row)
    plain = {
        key: _plain(value, numeric=has_id or _is_numeric(declared.get(key, "")))
        for key, value in row.items()
        if value is not None
    }
    return _hashed(json.dumps(plain, sort_keys=True))


def has_identity(row: Mapping[str, Any]) -> bool:
    """Whether a row has an id, so that others like it are the same row come again."""
    return any(row.get(name) is not None for name in _IDENTITIES)


def _is_numeric(declared: str) -> bool:
    return _NUMERIC_TYPE.fullmatch(declared.partition("(")[0]) is not None


def earlier_digest(row: Mapping[str, Any]) -> str:
    """The digest of a row that releases before 0.2 saved."""
    filled = {key: value for key, value in row.items() if value is not None}
    return _hashed(json.dumps(filled, sort_keys=True, default=str))


def moment_of(value: Any) -> datetime | None:
    """The moment that a value is, in UTC; None if it is none. A text must be written in ISO 8601.

    >>> moment_of("2024-01-01T12:00:00+02:00")
    datetime.datetime(2024, 1, 1, 10, 0, tzinfo=datetime.timezone.utc)
    >>> moment_of("20240101") is None
    True
    """
    if isinstance(value, str):
        return _moment_in(value)
    return _in_utc(value) if isinstance(value, date) else None


# The same value is compared with many others.
@lru_cache(maxsize=1024)
def _moment_in(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text.strip()):
        return None
    try:
        return _in_utc(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def _in_utc(value: date) -> datetime:
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return at.replace(tzinfo=UTC)


def number_of(value: Any) -> Decimal | None:
    """The number that a value is, or that a text is written as; None if it is none."""
    if isinstance(value, bool):
        return None
    written = str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    if isinstance(value, int | float | Decimal | str) and len(written) <= _LONGEST:
        try:
            number = Decimal(written.strip())
        except InvalidOperation:
            return None
        return number if number.is_finite() else None
    return None


def horizon() -> datetime:
    """The last moment that is taken for progress.

    A later one, such as a contract's end in the year 9999, says nothing about what has been read:
    a source that was read up to it would never give a row again.
    """
    return datetime.now(UTC) + _TOLERANCE


def is_beyond_now(value: Any) -> bool:
    """Whether a value is a moment in the future, by more than a clock may be wrong."""
    moment = moment_of(value)
    return moment is not None and moment > horizon()


def _plain(value: Any, *, numeric: bool = False) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    as_number = not isinstance(value, str) or (numeric and _WRITTEN_NUMBER.fullmatch(value.strip()))
    number = number_of(value) if as_number else None
    if number is not None:
        return ["number", str(number.normalize() if number else Decimal(0))]
    moment = moment_of(value)
    if moment is not None:
        return ["moment", moment.isoformat()]
    if isinstance(value, time):
        return ["time", value.isoformat()]
    return str(value)


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
