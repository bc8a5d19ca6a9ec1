"""Looking for lines in the logs of a workflow's runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dataflow.runs.dagster_names import WORKFLOW_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from dataflow.service.run_answers import LogEntry, RunLog

LEVELS = ("debug", "info", "warning", "error", "critical")
_RUNS_AT_ONCE = 20
_EVENTS_AT_ONCE = 1000
# The logs of many runs are many files; who wants more asks on.
_SECONDS_TO_LOOK = 15.0


@dataclass(frozen=True)
class SearchedRun:
    """A run whose log is looked through."""

    run_id: str
    created_at: datetime


class Logs(Protocol):
    """Where runs and their logs are: a service, or a history."""

    def runs(
        self,
        tags: dict[str, str] | None = None,
        statuses: list[str] | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Sequence[Any]:
        """Runs, the newest first: each has a ``run_id`` and a ``created_at``."""

    def log(self, run_id: str, after: str | None = None, limit: int = 500) -> RunLog:
        """A stretch of a run's log."""


@dataclass(frozen=True)
class LogQuery:
    """Which lines are wanted.

    Args:
        text: What they hold, in whatever case.
        level: The least level.
        since: Only of runs that were asked for since then.
    """

    text: str = ""
    level: str = "debug"
    since: datetime | None = None

    def fits(self, entry: LogEntry) -> bool:
        """Whether a line is one of them."""
        if entry.level in LEVELS and LEVELS.index(entry.level) < LEVELS.index(self.level):
            return False
        return self.text.casefold() in entry.message.casefold()


@dataclass(frozen=True)
class FoundLine:
    """A line of a run's log."""

    run_id: str
    time: datetime
    level: str
    step: str | None
    message: str


@dataclass(frozen=True)
class FoundLines:
    """What was found.

    Args:
        lines: Run by run, the newest run first; within a run in order.
        cursor: The run after which to go on; ``None`` if there is no more.
    """

    lines: list[FoundLine]
    cursor: str | None


def search_logs(
    logs: Logs, workflow_id: str, query: LogQuery, limit: int, after: str | None = None
) -> FoundLines:
    """Look through the logs of a workflow's runs, until there are enough lines.

    Args:
        limit: How many lines at least, if there are so many: runs are looked through whole.
        after: The cursor of an earlier answer.
    """
    found: list[FoundLine] = []
    deadline = time.monotonic() + _SECONDS_TO_LOOK
    while True:
        tags = {WORKFLOW_TAG: workflow_id}
        runs = logs.runs(tags, limit=_RUNS_AT_ONCE, after=after)
        for run in runs:
            if query.since is not None and run.created_at < query.since:
                return FoundLines(found, None)
            found += [
                FoundLine(run.run_id, entry.time, entry.level, entry.step, entry.message)
                for entry in _lines(logs, run.run_id)
                if query.fits(entry)
            ]
            after = run.run_id
            if len(found) >= limit or time.monotonic() > deadline:
                return FoundLines(found, after)
        if len(runs) < _RUNS_AT_ONCE:
            return FoundLines(found, None)


def _lines(logs: Logs, run_id: str) -> Iterator[LogEntry]:
    cursor: str | None = None
    while True:
        page = logs.log(run_id, cursor, _EVENTS_AT_ONCE)
        yield from page.entries
        if not page.has_more:
            return
        cursor = page.cursor


def all_lines(logs: Logs, workflow_id: str, query: LogQuery, limit: int) -> list[FoundLine]:
    """Look through all runs of a workflow, however long it takes, until there are enough lines."""
    found: list[FoundLine] = []
    after: str | None = None
    while len(found) < limit:
        page = search_logs(logs, workflow_id, query, limit - len(found), after)
        found += page.lines
        after = page.cursor
        if after is None:
            break
    return found[:limit]
