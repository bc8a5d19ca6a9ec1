"""Asking Dagster again while one of its processes is started anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from dataflow.service.dagster_errors import DagsterUnavailableError, ServiceStoppedError
from dataflow.service.history_server import check_history_server
from dataflow.service.service_lock import is_up
from dataflow.service.stopped_processes import stopped_processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.shared.project import Project

T = TypeVar("T")

# A webserver and a code server with many workflows need some seconds each.
_SECONDS_OF_PATIENCE = 45.0
_SECONDS_BETWEEN_TRIES = 0.5


def with_patience(project: Project, ask: Callable[[], T]) -> T:
    """What ``ask`` gives; asked again for a while where Dagster does not answer but is up.

    Raises:
        DagsterUnavailableError: It does not answer in time, or nobody is there to start it again.
        HistoryDownError: It never will before the Postgres of its history is back.
        ServiceStoppedError: Nor before somebody lets one of its processes go on.
    """
    deadline = time.monotonic() + _SECONDS_OF_PATIENCE
    while True:
        try:
            return ask()
        except DagsterUnavailableError:
            check_history_server(project)
            check_not_stopped(project)
            if time.monotonic() > deadline or not is_up(project, "dagster"):
                raise
        time.sleep(_SECONDS_BETWEEN_TRIES)


def check_not_stopped(project: Project) -> None:
    """See whether a process of the service is there and does nothing, where it does not answer.

    Raises:
        ServiceStoppedError: It names each, and the command that lets it go on.
    """
    if stopped := stopped_processes(project):
        raise ServiceStoppedError(
            f"Dagster does not answer. {' '.join(stopped)}", "Let it go on, then ask again."
        )
