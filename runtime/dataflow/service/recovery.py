"""Runs that were under way when the service that ran them was killed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import HOST_TAG

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun


def close_lost_runs(instance: DagsterInstance, at_least: float = 0.0) -> list[str]:
    """Mark runs as failed that a killed service had started and whose processes are gone.

    Queued runs are left alone: the next service starts them. So are runs of other machines, and
    those that `dataflow workflow run` executes.

    Args:
        at_least: The seconds for which nothing has happened to them; more than a start takes where
            services of the project are up.

    Returns:
        The ids of the runs that were closed.
    """
    from dagster import DagsterRunStatus, RunsFilter

    under_way = [
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
        # Created for the queue, but the service died before it stood in it.
        DagsterRunStatus.NOT_STARTED,
    ]
    lost = []
    until = datetime.now(UTC) - timedelta(seconds=at_least)
    for record in instance.get_run_records(RunsFilter(statuses=under_way)):
        run = record.dagster_run
        if HOST_TAG in run.tags or (at_least and record.update_timestamp > until):
            continue
        if _is_alive(instance, run):
            continue
        instance.report_run_failed(run, "The service that executed this run is gone.")
        lost.append(run.run_id)
    return lost


def _is_alive(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether the process that said it executes a run is there, and is that process."""
    import psutil
    from dagster import DagsterEventType

    for record in instance.get_records_for_run(
        run.run_id, of_type=DagsterEventType.ENGINE_EVENT
    ).records:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is None:
            continue
        try:
            process = psutil.Process(int(str(pid.value)))
            # Where the first process of a machine or container adopts orphans without ever
            # waiting for them, a killed process stays listed as a zombie.
            is_dead = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            if not is_dead and process.create_time() <= record.event_log_entry.timestamp:
                return True
        except (psutil.Error, ValueError):
            continue
    return False
