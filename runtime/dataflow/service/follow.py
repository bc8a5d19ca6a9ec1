"""A run on the running service, followed from the queue to its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.runs.model import Run, Step
    from dataflow.service.dagster_client import Dagster
    from dataflow.service.run_answers import LogEntry

_SECONDS_BETWEEN_LOOKS = 0.5


def follow_run(
    dagster: Dagster,
    run_id: str,
    report: Callable[[Step], None] | None = None,
    on_log: Callable[[LogEntry], None] | None = None,
) -> Run:
    """Wait for the end of a run and tell what happens on the way.

    Args:
        report: Called when a step starts and when it ends.
        on_log: Called with each line that the run logs.

    Raises:
        RunNotFoundError: Dagster knows no such run.
        DagsterUnavailableError: Dagster does not answer any more; the run may go on.
    """
    told: dict[str, str] = {}
    cursor: str | None = None
    while True:
        run = dagster.run(run_id)
        if on_log is not None:
            cursor = _tell_log(dagster, run_id, cursor, on_log)
        for step in run.steps:
            if report is not None and told.get(step.name) != step.status:
                report(step)
            told[step.name] = step.status
        if run.is_over:
            return run
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _tell_log(
    dagster: Dagster, run_id: str, cursor: str | None, on_log: Callable[[LogEntry], None]
) -> str:
    while True:
        page = dagster.log(run_id, cursor)
        for entry in page.entries:
            on_log(entry)
        cursor = page.cursor
        if not page.has_more:
            return cursor
