"""What a running service does from time to time: old runs go, and lost ones are closed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.runs.retention import forget_old_runs
from dataflow.service.recovery import close_lost_runs
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterInstance

    from dataflow.shared.project import Project

_SECONDS_BETWEEN_ROUNDS = 60.0
# A start has enough to do; and a service that never runs for long is kept in order, too.
_SECONDS_TO_FIRST_ROUND = 10.0
# Looking through the history for old runs is done every so many rounds, beginning with the first.
_ROUNDS_BETWEEN_CLEANING = 10
# A run that starts has not said for so long which process executes it.
_SECONDS_TO_START = 90.0

log = get_logger(__name__)


@contextmanager
def housekeeping(
    project: Project, instance: DagsterInstance, seconds: float = _SECONDS_BETWEEN_ROUNDS
) -> Iterator[None]:
    """Keep a project's history in order until the end of the block."""
    ends = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(project, instance, ends, seconds), name="housekeeping", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        ends.set()
        keeper.join(5)


def _keep(
    project: Project, instance: DagsterInstance, ends: threading.Event, seconds: float
) -> None:
    number = 0
    while not ends.wait(seconds if number else min(seconds, _SECONDS_TO_FIRST_ROUND)):
        try:
            for run_id in close_lost_runs(instance, _SECONDS_TO_START, project):
                log.warning(f"run {run_id} has lost the process that executed it")
            if number % _ROUNDS_BETWEEN_CLEANING == 0 and (
                gone := forget_old_runs(project, instance)
            ):
                log.info(f"{len(gone)} old runs are taken out of the history")
        except Exception as error:  # a disk that is full today need not be so tomorrow
            log.error("the history could not be put in order", error=str(error))
        number += 1
