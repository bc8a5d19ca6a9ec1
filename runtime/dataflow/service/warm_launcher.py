"""Dagster's run launcher that has runs forked from a process with the libraries loaded.

`dataflow up` starts that process and says where it is. Where there is none, or it does not answer,
runs start as they do without it: by Dagster's own launcher, in a process that starts from nothing.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, Any

from dagster import DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus

from dataflow.runs.dagster_names import (
    LOCATION_NAME,
    RUN_HOST_TAG,
    RUN_PROCESS_TAG,
    WORKER_VARIABLE,
)
from dataflow.service.process_identity import living_process
from dataflow.service.run_end import close_run, keep_end

if TYPE_CHECKING:
    from dagster import DagsterRun

# For a fork; a machine that is busy takes its time.
_SECONDS_TO_ANSWER = 5.0


class WarmRunLauncher(DefaultRunLauncher):
    """Launches runs of the project's own code location; those of others as Dagster does."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's process, and note on the run which one it is."""
        run = context.dagster_run
        path = os.environ.get(WORKER_VARIABLE, "")
        if not path or not _is_ours(run) or not self._fork(run, path):
            super().launch_run(context)

    def _fork(self, run: DagsterRun, path: str) -> bool:
        """Whether a child of the worker executes the run; else none does, nor will."""
        is_noted = False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_SECONDS_TO_ANSWER)
                connection.connect(path)
                with connection.makefile("rw", encoding="utf-8") as lines:
                    lines.write(f"{run.run_id}\n")
                    lines.flush()
                    identity = lines.readline().strip()
                    if living_process(identity) is None:
                        raise ConnectionError("it did not say which process it started")
                    place = {RUN_PROCESS_TAG: identity, RUN_HOST_TAG: socket.gethostname()}
                    self._instance.add_run_tags(run.run_id, place)
                    is_noted = True
                    # Without this word the child does nothing.
                    lines.write("go\n")
                    lines.flush()
        except OSError as error:
            if is_noted:
                self._instance.add_run_tags(run.run_id, {RUN_PROCESS_TAG: ""})
            self._instance.report_engine_event(
                f"No warm process to start this run in ({error}): it starts from nothing.", run
            )
            return False
        return True

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run as Ctrl-C does; whether that reached it."""
        run = self._instance.get_run_by_id(run_id)
        identity = run.tags.get(RUN_PROCESS_TAG) if run else None
        if run is None or not identity:
            reached = bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
            return reached and not keep_end(self._instance, run_id)
        if run.is_finished or not _is_here(run):
            return False
        self._instance.report_run_canceling(run)
        if keep_end(self._instance, run_id):
            return False
        pid = living_process(identity)
        try:
            if pid is None:
                raise ProcessLookupError
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            return close_run(self._instance, run_id)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """That Dagster's run monitoring can ask whether a run's process is there."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a run's process is there, as far as that can be known here."""
        identity: Any = run.tags.get(RUN_PROCESS_TAG)
        if not identity or not _is_here(run) or living_process(identity) is not None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        # Else Dagster ends it, with words of its own around the reason.
        reason = f"The process {identity.partition('@')[0]} that executed this run is gone."
        close_run(self._instance, run.run_id, reason)
        return CheckRunHealthResult(WorkerStatus.FAILED, reason)


def _is_here(run: DagsterRun) -> bool:
    """Whether this machine executes it; a process id of another one says nothing here."""
    return run.tags.get(RUN_HOST_TAG, socket.gethostname()) == socket.gethostname()


def _is_ours(run: DagsterRun) -> bool:
    origin = run.remote_job_origin
    return run.job_code_origin is not None and (
        origin is not None and origin.location_name == LOCATION_NAME
    )
