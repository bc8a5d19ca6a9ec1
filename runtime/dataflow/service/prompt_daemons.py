"""Daemons of Dagster's that begin what waits as soon as it can be begun.

Dagster looks at backfills every 30 seconds: one whose only run takes a second waits as long to
begin, and again to be over. What stands in its queue begins a second or two after the run that it
had to wait for, which is as long as a small run takes.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from dagster import RunsFilter
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES, NOT_FINISHED_STATUSES, DagsterRun
from dagster._daemon.daemon import BackfillDaemon
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.utils import DaemonErrorCapture

from dataflow.service.prompt_coordinator import queue_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import DagsterInstance
    from dagster._core.execution.backfill import PartitionBackfill
    from dagster._core.workspace.context import IWorkspaceProcessContext
    from dagster._daemon.daemon import DaemonIterator

    Context = IWorkspaceProcessContext[Any]

# A look is a question or two to the history: about a millisecond.
_SECONDS_BETWEEN_LOOKS = 0.5
# While runs are under way, and so may end.
_SECONDS_BETWEEN_LOOKS_AT_RUNS = 0.2

_CANCELING = BulkActionStatus.CANCELING
_UNDER_WAY = BulkActionsFilter(
    statuses=[BulkActionStatus.REQUESTED, _CANCELING, BulkActionStatus.FAILING]
)
_ACTIVE = RunsFilter(statuses=ACTIVE_RUN_STATUSES)


class PromptBackfillDaemon(BackfillDaemon):
    """Goes on with backfills when there is something to do, and else as often as Dagster's."""

    def core_loop(
        self, workspace_process_context: Context, shutdown_event: threading.Event
    ) -> DaemonIterator:
        """Dagster's own, which waits for the end of the daemon in between."""
        due = DueBackfills(workspace_process_context.instance)
        wait = _EndOrWork(shutdown_event, due.look)
        yield from super().core_loop(workspace_process_context, wait)


class DueBackfills:
    """Whether a backfill has something to be done that had nothing at the last look.

    It has when its status is new, while it is being cancelled, and when none of its runs is under
    way any more. One that stays as it was after its turn has met a fault, and is not due: Dagster
    tries that again every 30 seconds, five times.
    """

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance
        self._seen: dict[str, _Look] = {}

    def look(self) -> bool:
        """Look again."""
        backfills = self._instance.get_backfills(_UNDER_WAY)
        seen, self._seen = self._seen, {each.backfill_id: self._at(each) for each in backfills}
        return any(now.is_due_after(seen.get(key)) for key, now in self._seen.items())

    def _at(self, backfill: PartitionBackfill) -> _Look:
        tags = DagsterRun.tags_for_backfill_id(backfill.backfill_id)
        unfinished = RunsFilter(tags=tags, statuses=NOT_FINISHED_STATUSES)
        is_waiting = bool(self._instance.get_run_ids(unfinished, limit=1))
        return _Look(backfill.status, None if is_waiting else _progress(backfill))


class _Look(NamedTuple):
    """What a backfill is like; how far it is, unless it waits for runs."""

    status: BulkActionStatus
    progress: object

    def is_due_after(self, before: _Look | None) -> bool:
        # Runs that were about to start when somebody cancelled them can be ended a moment later.
        if before is None or before.status != self.status or self.status == _CANCELING:
            return True
        return self.progress is not None and self.progress != before.progress


def _progress(backfill: PartitionBackfill) -> object:
    """What changes when a backfill gets on, and not when an attempt at it fails."""
    return (
        backfill.last_submitted_partition_name,
        backfill.serialized_asset_backfill_data,
        backfill.asset_backfill_data,
    )


class _EndOrWork(threading.Event):
    """The event of a daemon's end, whose waiters are let go for work as well."""

    def __init__(self, end: threading.Event, has_work: Callable[[], bool]) -> None:
        super().__init__()
        self._end = end
        self._has_work = has_work

    def wait(self, timeout: float | None = None) -> bool:
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (left := until - time.monotonic()) > 0:
            if self._end.wait(min(left, _SECONDS_BETWEEN_LOOKS)):
                return True
            if self._has_work():
                return False
        return self._end.is_set()


class PromptQueueDaemon(QueuedRunCoordinatorDaemon):
    """Looks into the queue whenever a run has ended, and else as often as Dagster's."""

    def _dequeue_run(self, *arguments: Any, **named: Any) -> bool:
        # A run that is cancelled at this moment is not started any more.
        with queue_lock():
            return super()._dequeue_run(*arguments, **named)

    def core_loop(
        self, workspace_process_context: Context, shutdown_event: threading.Event
    ) -> DaemonIterator:
        """Serve the queue; the errors of one turn are noted and do not end it."""
        instance = workspace_process_context.instance
        running: set[str] = set()
        next_turn = float("-inf")
        while True:
            before, running = running, set(instance.get_run_ids(_ACTIVE))
            if before - running or time.monotonic() >= next_turn:
                next_turn = time.monotonic() + self.interval_seconds
                try:
                    yield from self.run_iteration(workspace_process_context)
                except Exception:  # the disk may be full for a while
                    yield DaemonErrorCapture.process_exception(
                        sys.exc_info(), logger=self._logger, log_message="The queue was not served"
                    )
            yield None
            left = max(0.0, next_turn - time.monotonic())
            shutdown_event.wait(min(left, _SECONDS_BETWEEN_LOOKS_AT_RUNS) if running else left)
