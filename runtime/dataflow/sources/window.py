"""From where to where an incremental source is to be read, where that is not from its watermark on.

Rows that were read before come again then; whoever loads them is told which, so that none of them
is there twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from dataflow.shared.config_types import refusal
from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceSettingError

_UNITS = ("seconds", "minutes", "hours", "days", "weeks")
_LENGTH = re.compile(rf"\s*(\d{{1,6}})\s*({'|'.join(unit[:-1] for unit in _UNITS)})s?\s*")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_FRACTION = re.compile(r"-?(0|[1-9]\d{0,17})\.\d{1,18}")


def _look_back(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (_LENGTH.fullmatch(value) or _is_number(value)):
        return str(value)
    allowed = "a number above 0, or a length of time such as `2 days`: " + ", ".join(_UNITS)
    raise refusal("is not a span to look back over", allowed)


# How far before the watermark to read again: `2 days` for times, a number for numbers.
LookBack = Annotated[
    str | int | float,
    BeforeValidator(_look_back),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number", "exclusiveMinimum": 0}]}),
]


@dataclass(frozen=True)
class Window:
    """The part of an incremental source to read.

    Args:
        since: Read from this value of the cursor on, this one included; None for the watermark.
        until: Read up to this value, this one excluded; None for all.
        look_back: How far before the watermark to begin, where ``since`` does not say it.
    """

    since: Any = None
    until: Any = None
    look_back: Any = None

    def start(self, reached: Any) -> Any:
        """Where to begin, if not at the watermark: None for there.

        Raises:
            SourceSettingError: The span to look back over is none for such a value.
        """
        if self.since is not None:
            return self.since
        if reached is None or self.look_back is None:
            return None
        return before(reached, self.look_back)


def typed_value(text: str) -> Any:
    """A value of a cursor as somebody types it: a number where it looks like one, else text.

    >>> typed_value("100"), typed_value("2024-01-01"), typed_value("007")
    (100, '2024-01-01', '007')
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def before(value: Any, span: Any) -> Any:
    """The value that lies so far before another one, written the same way.

    >>> before("2024-01-10T00:00:00Z", "2 days"), before(100, 10)
    ('2024-01-08T00:00:00Z', 90)
    """
    length = _LENGTH.fullmatch(span) if isinstance(span, str) else None
    moment = _moment(value)
    if length and moment is not None:
        unit = next(unit for unit in _UNITS if unit.startswith(length[2]))
        try:
            return _written_as(moment - timedelta(**{unit: int(length[1])}), value)
        except OverflowError:
            return _written_as(datetime.min.replace(tzinfo=moment.tzinfo), value)
    if not length and _is_number(value):
        difference = Decimal(str(value)) - Decimal(str(span))
        whole = difference == difference.to_integral_value()
        if isinstance(value, str):
            return str(difference)
        return int(difference) if whole else float(difference)
    what = "a length of time" if length else "a number"
    raise SourceSettingError(
        f"`incremental.look_back` is {what}, and the last value that was read is {quoted(value)}.",
        "Write a length such as `2 days` for times, and a number for numbers.",
    )


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def _written_as(moment: datetime, value: Any) -> Any:
    """A time as the text that another one is written like."""
    if not isinstance(value, str):
        return moment
    text = value.strip()
    is_day = len(text) <= len("2024-01-01")
    if is_day and moment.time() == datetime.min.time():
        return moment.date().isoformat()
    written = moment.isoformat(sep=" " if text[10:11] == " " else "T")
    return written.removesuffix("+00:00") + "Z" if text.endswith("Z") else written


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False
