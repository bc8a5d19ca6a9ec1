"""How much memory DuckDB may take: as much as the project says, in whatever opens a database.

Where the project says nothing it is DuckDB's own rule: four fifths of what the machine, or the
container, has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.project import known_project
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def memory_limit() -> str:
    """The setting ``memory_limit`` of the project that is worked on; empty if it has none.

    >>> memory_limit()
    ''
    """
    project = known_project()
    return project.settings.memory_limit if project else ""


def limit_memory(connection: DuckDBPyConnection) -> None:
    """Hold a connection, and all others to its database in this process, to the limit.

    >>> import duckdb
    >>> limit_memory(duckdb.connect())
    """
    if limit := memory_limit():
        connection.execute(f"SET memory_limit = {quote_literal(limit)}")
