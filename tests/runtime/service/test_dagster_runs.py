"""Looking at runs, and ending them, over Dagster's GraphQL interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

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


@contextmanager
def webserver(statuses: list[dict[str, Any]], ends: list[dict[str, Any]]) -> Iterator[str]:
    """The address of one that gives these answers in turn, and the last of them ever after."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
            answers = ends if "terminateRun" in query else statuses
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            field = "terminateRun" if answers is ends else "runOrError"
            body = json.dumps({"data": {field: answer}}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def cancelled(tmp_path: Path, statuses: list[dict[str, Any]], ends: list[dict[str, Any]]) -> str:
    """The status of a run after it was cancelled at that webserver."""
    with webserver(statuses, ends) as url:
        runs = DagsterRuns(Project(tmp_path), url)
        try:
            return runs.cancel("a").status
        finally:
            runs.close()


def test_a_run_that_starts_just_after_dagster_refused_is_cancelled(tmp_path: Path) -> None:
    """It was starting when asked and runs at the next look: so it is asked once more."""
    assert cancelled(tmp_path, [_STARTING, _STARTED, _CANCELING], [_REFUSED, _TAKEN]) == "canceling"


def test_a_run_that_runs_and_cannot_be_ended_is_not_asked_for_ever(tmp_path: Path) -> None:
    """Dagster's reason is handed on at once."""
    with pytest.raises(RunEndedError, match="having status STARTING"):
        cancelled(tmp_path, [_STARTED], [_REFUSED, _TAKEN])
