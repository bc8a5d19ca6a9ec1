"""When the tables of a workflow are overdue, by the schedule of its config.yaml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from dagster import FreshnessPolicy
from dagster._utils.schedules import cron_string_iterator

if TYPE_CHECKING:
    from collections.abc import Iterator

# A summer and a winter day lie after it; the pauses of a schedule are the same in other years.
_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_LEAST_TICKS = 15
_LEAST_GRACE, _MOST_GRACE = timedelta(minutes=5), timedelta(hours=12)


def overdue_policy(schedule: str, timezone: str) -> FreshnessPolicy:
    """What Dagster is told of it."""
    return FreshnessPolicy.time_window(fail_window=overdue_after(schedule, timezone))


def overdue_after(schedule: str, timezone: str) -> timedelta:
    """Overdue is what was made longer ago than the schedule ever pauses, and some grace.

    The grace is a quarter of the pause, 5 minutes at least and 12 hours at most: a run takes its
    time, and may be tried again.
    """
    pause = longest_pause(schedule, timezone)
    return pause + min(max(pause / 4, _LEAST_GRACE), _MOST_GRACE)


@cache
def longest_pause(schedule: str, timezone: str) -> timedelta:
    """The longest time between two runs that a cron expression asks for.

    >>> longest_pause("0 6 * * *", "UTC") == timedelta(days=1)
    True
    >>> longest_pause("0 6 * * 1-5", "UTC") == timedelta(days=3)
    True
    """
    return max(later - earlier for earlier, later in pairwise(_ticks(schedule, timezone)))


def _ticks(schedule: str, timezone: str) -> Iterator[datetime]:
    """So many that every pause is among them: those of some days, some months or some years."""
    # Whatever is the same in each hour or on each day has shown all its pauses soon.
    fields = schedule.split()
    span = timedelta(days=8)
    for first, repeated in ((1, timedelta(hours=2)), (2, timedelta(days=2))):
        if len(fields) == 5 and set(fields[first:]) == {"*"}:
            span = min(span, repeated)
    for number, tick in enumerate(cron_string_iterator(_FROM.timestamp(), schedule, timezone)):
        yield tick
        if number >= _LEAST_TICKS and tick - _FROM >= span:
            return
