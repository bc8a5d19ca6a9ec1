"""The fixtures that the tests of reading and of looking at sources share."""

from tests.source_fixtures import other_server, project, quick, read, say, server

__all__ = ["other_server", "project", "quick", "read", "say", "server"]
