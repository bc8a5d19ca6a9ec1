"""Runs that were under way when the service that ran them was killed."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import HOST_TAG, RUN_HOST_TAG
from dataflow.runs.lock import lost_process
from dataflow.service.run_end import close_run

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

    from dataflow.shared.project import Project


def close_lost_runs(
    instance: DagsterInstance, at_least: float = 0.0, project: Project | None = None
) -> list[str]:
    """Mark runs as failed that a killed service had started and whose processes are gone.

    Those that were being cancelled are marked as that.

    Queued runs are left alone: the next service starts them. So are runs of other machines, and
    those that `dataflow workflow run` executes, unless the lock that each run holds in a shared
    history says that its process is gone.

    Args:
        project: Whose history it is, if hosts may share it.
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
        if project is not None and project.settings.history:
            gone = lost_process(project, run.run_id)
            if gone:
                if close_run(instance, run.run_id, f"The {gone} that executed this run is gone."):
                    lost.append(run.run_id)
                continue
            # Where it is executed is not known before it has begun: leave it to its own host.
            if run.tags.get(RUN_HOST_TAG) != socket.gethostname():
                continue
        if HOST_TAG in run.tags or (at_least and record.update_timestamp > until):
            continue
        if _is_alive(instance, run):
            continue
        # It may have ended by itself since it was looked at.
        if close_run(instance, run.run_id, "The service that executed this run is gone."):
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
