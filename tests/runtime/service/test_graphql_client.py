"""Asking Dagster over HTTP, where connections get lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dataflow.service.dagster_errors import DagsterUnavailableError
from dataflow.service.graphql_answer import expected
from dataflow.service.graphql_client import GraphQLClient


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a server was asked, the first item its address; it drops each first request."""
    queries: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
            is_new = query not in queries
            queries.append(query)
            if is_new:
                self.close_connection = True
                return
            body = b'{"data": {"version": "1"}}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    queries.append(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield queries
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_who_only_looks_asks_again(asked: list[str]) -> None:
    """A query whose connection is lost is sent once more; what changes something is not."""
    client = GraphQLClient(asked[0])
    assert client.ask("query V { version }") == {"version": "1"}
    with pytest.raises(DagsterUnavailableError):
        client.ask("fragment F on R { id } mutation M { launch }")
    assert len(asked) == 4
    client.close()


def test_a_job_that_was_there_a_moment_ago_is_waited_for() -> None:
    """Its code server is being started again: that is no refusal, and a launch asks once more."""
    gone = {"__typename": "PipelineNotFoundError", "message": "Could not find Pipeline a_job"}
    with pytest.raises(DagsterUnavailableError, match="just now: Could not find Pipeline a_job"):
        expected(gone, "LaunchRunSuccess")
