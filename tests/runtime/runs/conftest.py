"""The servers that tests of runs use."""

from tests.database_fixtures import postgres

__all__ = ["postgres"]
