"""Dagster's run queue, without the wait where nobody stands in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dagster import DagsterRunStatus, RunsFilter
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES
from dagster._utils.tags import TagConcurrencyLimitsCounter
from filelock import FileLock, Timeout

from dataflow.runs.dagster_names import WORKER_VARIABLE
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._core.run_coordinator.base import SubmitRunContext

_SECONDS_TO_WAIT = 5.0


class PromptRunCoordinator(QueuedRunCoordinator):
    """Starts a run at once if the queue is empty and its limits allow; else it queues."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Start a run, or put it into the queue that Dagster's daemon serves."""
        run = context.dagster_run
        if not os.path.exists(os.environ.get(WORKER_VARIABLE, "")):  # noqa: PTH110
            return super().submit_run(context)
        folder = find_project().state_dir / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            # Looking and starting have to be one for all processes that submit runs.
            with FileLock(folder / "launch.lock", timeout=_SECONDS_TO_WAIT):
                if not self._may_start(run):
                    return super().submit_run(context)
                return self._instance.launch_run(run.run_id, context.workspace)
        except Timeout:
            return super().submit_run(context)

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
