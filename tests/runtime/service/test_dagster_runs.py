"""Looking at runs, and ending them, over Dagster's GraphQL interface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.source_fixtures import Answer, Request, Server

from dataflow.service.dagster_errors import RunEndedError
from dataflow.service.dagster_runs import DagsterRuns
from dataflow.shared.project import Project

_RUN: dict[str, Any] = {
    "__typename": "Run",
    "runId": "a",
    "jobName": "sales_job",
    "status": "STARTED",
    "creationTime": 1.0,
    "startTime": None,
    "endTime": None,
    "tags": [],
}
_STARTING = _RUN | {"status": "STARTING"}
_STARTED = _RUN | {"startTime": 2.0}
_CANCELING = _STARTED | {"status": "CANCELING"}
_REFUSED = {"__typename": "TerminateRunFailure", "message": "having status STARTING"}
_TAKEN = {"__typename": "TerminateRunSuccess"}


class Cancelled(Protocol):
    """The status of a run after it was cancelled at a webserver that gives these answers."""

    def __call__(self, statuses: list[dict[str, Any]], ends: list[dict[str, Any]]) -> str: ...


@pytest.fixture
def cancelled(server: Server, tmp_path: Path) -> Iterator[Cancelled]:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    runs = DagsterRuns(Project(tmp_path), server.url)

    def cancel(statuses: list[dict[str, Any]], ends: list[dict[str, Any]]) -> str:
        def answer(request: Request) -> Answer:
            field = "terminateRun" if "terminateRun" in request.body else "runOrError"
            answers = ends if field == "terminateRun" else statuses
            said = answers.pop(0) if len(answers) > 1 else answers[0]
            return Answer(json.dumps({"data": {field: said}}))

        server.routes["*"] = answer
        return runs.cancel("a").status

    yield cancel
    runs.close()


def test_a_run_that_starts_just_after_dagster_refused_is_cancelled(cancelled: Cancelled) -> None:
    """It was starting when asked and runs at the next look: so it is asked once more."""
    assert cancelled([_STARTING, _STARTED, _CANCELING], [_REFUSED, _TAKEN]) == "canceling"


def test_a_run_that_runs_and_cannot_be_ended_is_not_asked_for_ever(cancelled: Cancelled) -> None:
    """Dagster's reason is handed on at once."""
    with pytest.raises(RunEndedError, match="having status STARTING"):
        cancelled([_STARTED], [_REFUSED, _TAKEN])
