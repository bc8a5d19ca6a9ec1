"""The fixtures that the tests of reading and of looking at sources share."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.database_fixtures import execute, mariadb, on_mariadb, postgres
from tests.runtime.sources.api_fixtures import Api
from tests.source_fixtures import Server, other_server, project, quick, read, say, server

__all__ = [
    "api_server",
    "execute",
    "mariadb",
    "on_mariadb",
    "other_server",
    "postgres",
    "project",
    "quick",
    "read",
    "say",
    "server",
]


@pytest.fixture(scope="session")
def api_server() -> Iterator[Server]:
    """One server for the many cases of a property."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def api(server: Any, say: Any) -> Api:
    """An API with 25 records."""
    return Api(server, say)
