"""What Dagster's GraphQL interface answers: what was asked for, or a fault."""

from __future__ import annotations

from typing import Any

from dataflow.runs.dagster_names import REPOSITORY_NAME
from dataflow.service.dagster_errors import (
    CodeServerError,
    DagsterError,
    DiskFullError,
    HistoryDownError,
    RunNotFoundError,
)

_DISK_IS_FULL = ("disk is full", "No space left on device")
# How Dagster says that its Postgres does not answer.
_NO_HISTORY = ("too many retries for DB connection", "OperationalError", "server closed the conn")
_NOT_LOADED = ("PipelineNotFoundError", "RepositoryNotFoundError")
_CODE_SERVER_IS_GONE = ("DagsterUserCodeUnreachableError", "No available client to code server")


def is_about_history(message: str) -> bool:
    """Whether a fault says that the store of the history is not there."""
    return any(sign in message for sign in _NO_HISTORY) and "sqlite" not in message.lower()


def repository(location: str) -> dict[str, str]:
    """A code location, as queries name it."""
    return {"repositoryName": REPOSITORY_NAME, "repositoryLocationName": location}


def expected(answer: dict[str, Any], kind: str, run_id: str = "") -> dict[str, Any]:
    """An answer, if it is of the kind that means that all went well.

    Raises:
        RunNotFoundError: Dagster knows no such run.
        DiskFullError: There is no room for what was asked for.
        HistoryDownError: The Postgres of the history does not answer.
        CodeServerError: The process that has the workflows does not answer.
        DagsterError: It is any other fault.
    """
    if answer["__typename"] == kind:
        return answer
    if answer["__typename"] == "RunNotFoundError":
        raise RunNotFoundError(
            f"There is no run {run_id!r}.",
            "GET /api/v1/runs, or Dagster's UI, lists those there are.",
        )
    message = answer.get("message") or ""
    # Asked for what was there a moment ago: its code server is being started again.
    if answer["__typename"] in _NOT_LOADED:
        raise CodeServerError(
            f"Dagster has not loaded the project's workflows just now: {message}.",
            "It does within seconds, or at `dataflow reload`.",
        )
    if any(sign in message for sign in _CODE_SERVER_IS_GONE):
        raise CodeServerError(
            "Dagster's code server does not answer.",
            "`dataflow up` starts it again; its log says why it ended.",
        )
    if any(sign in message for sign in _DISK_IS_FULL):
        raise DiskFullError(
            "Dagster cannot write its history: the disk is full.", "Free disk space and ask again."
        )
    if is_about_history(message):
        raise HistoryDownError.told()
    raise DagsterError(
        f"Dagster refused: {message or answer['__typename']}",
        "See the log of `dataflow up`, or of Dagster's webserver.",
    )
