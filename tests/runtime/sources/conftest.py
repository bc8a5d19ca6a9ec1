"""The fixtures that the tests of reading and of looking at sources share."""

from tests.database_fixtures import execute, mariadb, on_mariadb, postgres
from tests.source_fixtures import other_server, project, quick, read, say, server

__all__ = [
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
