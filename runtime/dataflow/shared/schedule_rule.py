"""Which cron expressions and time zones a schedule may have: those that Dagster's scheduler takes.

The rules are `is_valid_cron_schedule` of `dagster._utils.schedules` and `get_timezone` of
`dagster._time`, which `ScheduleDefinition` calls (dagster 1.13).
"""

from __future__ import annotations

import re
import zoneinfo

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.suggestion import did_you_mean

_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
_PART = re.compile(r"(?:\*|(?P<low>\d{1,4})(?:-(?P<high>\d{1,4}))?)(?:/(?P<step>\d{1,4}))?")


def check_cron(expression: str) -> str | None:
    """Say why the scheduler would refuse ``expression``, or ``None`` if it would take it.

    Dagster is imported, which takes a second, only for what goes beyond numbers, ranges and steps.

    Raises:
        MissingDependencyError: Dagster is needed and not installed.

    >>> check_cron("0 6 * * 1-5") is None
    True
    >>> check_cron("0 25 * * *")
    'is out of range: the hour is `25` and may be 0 to 23'
    """
    fields = expression.split()
    # Dagster's one rule about how fields go together concerns the 30th and 31st of February.
    may_be_no_day = len(fields) == len(_FIELDS) and "3" in fields[2] and "2" in fields[3]
    if not may_be_no_day and _all_simple(fields):
        return None
    if _dagster_takes(expression):
        return None
    return _reason(expression, fields)


def check_timezone(name: str) -> str | None:
    """Say why the scheduler would refuse the time zone ``name``, or ``None`` if it takes it.

    >>> check_timezone("Europe/Berlin") is None
    True
    >>> check_timezone("Europe/Berln")
    'is not a time zone that this machine knows, ...; did you mean `Europe/Berlin`?'
    """
    if name in ("utc", "UTC"):
        return None
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, KeyError, UnicodeError):
        meant = did_you_mean(name, zoneinfo.available_timezones(), cutoff=0.7)
        hint = f"; {meant}" if meant else ""
        return f"is not a time zone that this machine knows, such as `Europe/Berlin`{hint}"
    return None


def _all_simple(fields: list[str]) -> bool:
    return len(fields) == len(_FIELDS) and all(map(_is_simple, fields, _FIELDS))


def _is_simple(text: str, rule: tuple[str, int, int]) -> bool:
    _, lowest, highest = rule
    if not text.isascii():
        return False
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if not match or (match["step"] is not None and int(match["step"]) == 0):
            return False
        # A range that runs backwards is left to Dagster.
        bounds = [int(match[name]) for name in ("low", "high") if match[name]]
        if bounds != sorted(bounds) or any(not lowest <= b <= highest for b in bounds):
            return False
    return True


def _dagster_takes(expression: str) -> bool:
    try:
        from dagster._utils.schedules import is_valid_cron_schedule
    except ImportError as error:
        raise MissingDependencyError(
            f"Dagster is needed to check the schedule {quoted(expression)}, and is not installed.",
            "Install it with `pip install 'dataflow-runtime[run]'`.",
        ) from error
    try:
        return bool(is_valid_cron_schedule(expression))
    except Exception:
        return False


def _reason(expression: str, fields: list[str]) -> str:
    if not fields:
        return "is empty; leave it out, or write null, for no schedule"
    if expression.strip().startswith("@"):
        return (
            "is not an alias that the scheduler knows (@hourly, @daily, @weekly, @monthly, @yearly)"
        )
    if len(fields) != len(_FIELDS):
        parts = "minute, hour, day of the month, month, day of the week"
        return f"has {len(fields)} fields; a cron expression has five: {parts}"
    for text, (name, lowest, highest) in zip(fields, _FIELDS, strict=True):
        if any(
            int(n) > highest or int(n) < lowest for n in re.findall(r"(?<![/#\d])\d{1,9}", text)
        ):
            shown = shortened(text)
            return f"is out of range: the {name} is `{shown}` and may be {lowest} to {highest}"
        if re.search(r"/0+(?!\d)", text):
            return f"has a step of 0 in the {name} `{shortened(text)}`"
    for text, rule in zip(fields, _FIELDS, strict=True):
        if not _is_simple(text, rule):
            alone = ["*"] * len(_FIELDS)
            alone[_FIELDS.index(rule)] = text
            if not _dagster_takes(" ".join(alone)):
                return f"is not a cron expression: the {rule[0]} `{shortened(text)}` cannot be read"
    if _all_simple(fields):
        return "is a day that February never has"
    return "is not a cron expression that the scheduler takes"
