"""The fixtures that the tests of reading and of looking at sources share."""

from collections.abc import Iterator

import pytest
from tests.database_fixtures import execute, mariadb, on_mariadb, postgres
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
