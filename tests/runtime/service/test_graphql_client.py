"""Asking Dagster over HTTP, where connections get lost."""

from __future__ import annotations

import pytest
from tests.source_fixtures import Answer, Server

from dataflow.service.dagster_errors import DagsterUnavailableError
from dataflow.service.graphql_answer import expected
from dataflow.service.graphql_client import GraphQLClient


@pytest.mark.slow
def test_who_only_looks_asks_again(server: Server) -> None:
    """A query whose connection is lost is sent once more; what changes something is not."""
    cut, said = Answer("{", cut=0), Answer('{"data": {"version": "1"}}')
    client = GraphQLClient(server.answer("/graphql", cut, said, cut).removesuffix("/graphql"))
    assert client.ask("query V { version }") == {"version": "1"}
    with pytest.raises(DagsterUnavailableError):
        client.ask("fragment F on R { id } mutation M { launch }")
    assert len(server.requests) == 3
    client.close()


def test_a_job_that_was_there_a_moment_ago_is_waited_for() -> None:
    """Its code server is being started again: that is no refusal, and a launch asks once more."""
    gone = {"__typename": "PipelineNotFoundError", "message": "Could not find Pipeline a_job"}
    with pytest.raises(DagsterUnavailableError, match="just now: Could not find Pipeline a_job"):
        expected(gone, "LaunchRunSuccess")
