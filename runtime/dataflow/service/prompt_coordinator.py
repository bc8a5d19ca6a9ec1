"""Dagster's run queue, without the wait where nobody stands in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagster import DagsterRunStatus, RunsFilter
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES
from dagster._utils.tags import TagConcurrencyLimitsCounter
from filelock import FileLock, Timeout

from dataflow.runs.dagster_names import WORKER_VARIABLE
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterRun
    from dagster._core.run_coordinator.base import SubmitRunContext

_SECONDS_TO_WAIT = 5.0


@contextmanager
def queue_lock() -> Iterator[bool]:
    """Be the only process that takes runs from the queue, for the block; false if others take long.

    Looking at a run's status and starting or ending it have to be one for all of them.
    """
    folder = find_project().state_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "launch.lock", timeout=_SECONDS_TO_WAIT)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


class PromptRunCoordinator(QueuedRunCoordinator):
    """Starts a run at once if the queue is empty and its limits allow; else it queues."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Start a run, or put it into the queue that Dagster's daemon serves."""
        run = context.dagster_run
        if not os.path.exists(os.environ.get(WORKER_VARIABLE, "")):  # noqa: PTH110
            return super().submit_run(context)
        with queue_lock() as is_held:
            if is_held and self._may_start(run):
                return self._instance.launch_run(run.run_id, context.workspace)
            return super().submit_run(context)

    def cancel_run(self, run_id: str) -> bool:
        """End a run that waits or is under way; whether that reached it.

        One that is taken from the queue at this moment is not told from one that waits: it would
        be noted as cancelled and executed.
        """
        with queue_lock():
            run = self._instance.get_run_by_id(run_id)
            if run is not None and run.status == DagsterRunStatus.QUEUED:
                return super().cancel_run(run_id)
        return super().cancel_run(run_id)

    def _may_start(self, run: DagsterRun) -> bool:
        # What waits for slots of pools is for the daemon to judge.
        if run.status != DagsterRunStatus.NOT_STARTED or run.run_op_concurrency:
            return False
        instance = self._instance
        limits = instance.get_concurrency_config().run_queue_config
        # In this order: whoever is taken from the queue in between is seen as being under way.
        if limits is None or instance.get_runs(
            RunsFilter(statuses=[DagsterRunStatus.QUEUED]), limit=1
        ):
            return False
        under_way = instance.get_runs(RunsFilter(statuses=ACTIVE_RUN_STATUSES))
        most = limits.max_concurrent_runs
        if most != -1 and len(under_way) >= most:
            return False
        counter = TagConcurrencyLimitsCounter(limits.tag_concurrency_limits, under_way)
        return not counter.is_blocked(run)
