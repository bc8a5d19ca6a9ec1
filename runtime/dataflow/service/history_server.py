"""Whether the Postgres of the history is the cause where Dagster does not answer."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dataflow.runs.postgres_history import HistoryError, connect, history_address
from dataflow.service.dagster_errors import HistoryDownError
from dataflow.shared.errors import BadInputError, MissingDependencyError

if TYPE_CHECKING:
    from dataflow.shared.project import Project

_SECONDS_TO_CONNECT = 3


def check_history_server(project: Project) -> None:
    """Try the history's Postgres; a history in files of this machine is always there.

    Raises:
        HistoryDownError: It cannot be reached, or refuses the login; says where it is, and why.
    """
    address = history_address(project)
    if not address:
        return
    try:
        connect(address, connect_timeout=_SECONDS_TO_CONNECT).close()
    except HistoryError as error:
        raise HistoryDownError(error.reason, error.instruction) from error


def check_known_history(project: Project) -> None:
    """The same; nothing where this host has neither the driver nor the password.

    Raises:
        HistoryDownError: It cannot be reached, or refuses the login.
    """
    # A REST API on a host of its own needs neither.
    with suppress(MissingDependencyError, BadInputError):
        check_history_server(project)
