"""Processes of a running service that somebody has stopped (SIGSTOP) and not let go on.

They are there, so nobody starts them again; what they would do is not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.service.service_lock import holding_processes

if TYPE_CHECKING:
    import psutil

    from dataflow.shared.project import Project

# By what stands in the command line of each.
_NAMES = {
    "dataflow.service.dagster_ui": "Dagster's webserver",
    "dataflow.service.dagster_daemon": "Dagster's daemon",
    "code-server start": "Dagster's code server",
    "api grpc": "the child of Dagster's code server",
    "dataflow.service.worker_keeper": "the keeper of the run worker",
    "dataflow/service/warm_worker.py": "the run worker, or a run",
    "dataflow.cli api": "the REST API",
    "evidence serve": "the dashboard server",
    "dataflow up": "a watcher of `dataflow up`",
}


def stopped_processes(project: Project) -> list[str]:
    """A sentence for each process of this project's services, here, that is stopped."""
    import psutil

    found: dict[int, str] = {}
    for pid in holding_processes(project):
        try:
            group = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            continue
        for process in group:
            if name := _name_of_stopped(process):
                found[process.pid] = name
    return [
        f"Process {pid} ({name}) is stopped; `kill -CONT {pid}` lets it go on."
        for pid, name in found.items()
    ]


def _name_of_stopped(process: psutil.Process) -> str:
    import psutil

    try:
        if process.status() != psutil.STATUS_STOPPED:
            return ""
        line = " ".join(process.cmdline())
    except psutil.Error:
        return ""
    return next((name for part, name in _NAMES.items() if part in line), "of a service")
