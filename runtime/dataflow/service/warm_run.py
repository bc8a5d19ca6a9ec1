"""What the child of a warm process does: one run that Dagster has created, from start to end."""

from __future__ import annotations

import os
import signal
import socket
import sys
from importlib import invalidate_caches

from dagster import DagsterInstance, RunsFilter
from dagster._core.events import EngineEventData
from dagster._grpc.impl import core_execute_run
from dagster._utils.hosted_user_process import recon_job_from_origin
from dagster._utils.interrupts import capture_interrupts

from dataflow.runs.dagster_names import (
    JOB_VARIABLE,
    RUN_HOST_TAG,
    RUN_PROCESS_TAG,
    WORKFLOW_TAG,
    WORKFLOW_VARIABLE,
)
from dataflow.service.run_end import close_run
from dataflow.service.warm_request import reseed
from dataflow.shared.importing import collect_seldom


def execute_run(run_id: str) -> None:
    """Execute a run; how it ended stands in Dagster's history.

    The workflow's code is imported here and now, and only that of the run's own workflow.
    """
    # Folders that were looked into while the libraries were loaded may have changed since.
    invalidate_caches()
    reseed()
    collect_seldom()
    with capture_interrupts(), DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.job_code_origin is None:
            sys.exit(f"There is no run {run_id} to execute.")
        os.environ[JOB_VARIABLE] = run.job_name
        if workflow_id := run.tags.get(WORKFLOW_TAG):
            os.environ[WORKFLOW_VARIABLE] = workflow_id
        pid = os.getpid()
        started = f"Started process for run (pid: {pid})."
        instance.report_engine_event(started, run, EngineEventData.in_process(pid))
        try:
            job = recon_job_from_origin(run.job_code_origin)
            for _ in core_execute_run(job, run, instance, inject_env_vars=False):
                pass
        except BaseException:  # noqa: S110 - it stands in the run's history already
            pass
        close_run(instance, run_id)


def close_run_of(identity: str, code: int) -> None:
    """Mark the run as ended of a process that ended before it could."""
    filters = RunsFilter(tags={RUN_PROCESS_TAG: identity})
    with DagsterInstance.get() as instance:
        for run in instance.get_runs(filters, limit=2):
            if run.tags.get(RUN_HOST_TAG, socket.gethostname()) != socket.gethostname():
                continue
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            pid = identity.partition("@")[0]
            reason = f"The process {pid} of this run ended early: {how}."
            close_run(instance, run.run_id, reason)
