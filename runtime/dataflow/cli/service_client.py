"""The running service, for commands that have it do something and follow that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.service.dagster_client import Dagster
    from dataflow.shared.project import Project


class StillRunningError(DataflowError):
    """Nobody follows what was started any more, but it goes on."""

    exit_code = 130


@contextmanager
def service_client(project: Project) -> Iterator[Dagster]:
    """The service that `dataflow up` runs, for the block.

    Raises:
        MissingDependencyError: What talks to it is not installed.
    """
    try:
        from dataflow.service.dagster_client import Dagster
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Running on a service needs {error.name}, which is not installed.",
            "Install it: pip install 'dataflow-runtime[api]'",
        ) from error
    dagster = Dagster(project)
    try:
        yield dagster
    finally:
        dagster.close()


@contextmanager
def followed(what: str, project: Project, dagster: Dagster, path: str) -> Iterator[str]:
    """Follow something in the block; gives the address at which people see it.

    Args:
        what: What messages call it, such as ``The run 0b8f``.
        path: Where it is in Dagster's UI.

    Raises:
        StillRunningError: Ctrl-C; it goes on.
    """
    where = f"{project.settings.public_url or dagster.url}{path}"
    try:
        yield where
    except KeyboardInterrupt:
        raise StillRunningError(
            f"{what} goes on without being followed.", f"See it at {where}, which can stop it, too."
        ) from None
