"""How much memory DuckDB may take: as much as the project says, in whatever opens a database.

Where the project says nothing it is DuckDB's own rule: four fifths of what the machine, or the
container, has.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from dataflow.shared.project import known_project
from dataflow.shared.sql import quote_literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_lower: ContextVar[tuple[str, Path] | None] = ContextVar("dataflow_lower_memory", default=None)


def memory_limit() -> str:
    """The setting ``memory_limit`` of the project that is worked on; empty if it has none.

    >>> memory_limit()
    ''
    """
    project = known_project()
    return project.settings.memory_limit if project else ""


def limit_memory(connection: DuckDBPyConnection, extra: int = 0) -> None:
    """Hold a connection, and all others to its database in this process, to the limit.

    Args:
        extra: So many megabytes more than what `at_most` says.

    >>> import duckdb
    >>> limit_memory(duckdb.connect())
    """
    lower = _lower.get()
    if lower is not None and lower[0] and extra:
        lower = f"{_megabytes(lower[0]) + extra}MB", lower[1]
    if lower is not None:
        if lower[0]:
            connection.execute(f"SET memory_limit = {quote_literal(lower[0])}")
        connection.execute(f"SET temp_directory = {quote_literal(lower[1])}")
    if limit := memory_limit():
        connection.execute(f"SET memory_limit = {quote_literal(limit)}")


@contextmanager
def at_most(limit: str, folder: Path) -> Iterator[None]:
    """Hold connections that are opened inside to a limit of their own, and have them use a folder.

    Args:
        limit: Megabytes, such as ``500MB``; empty for DuckDB's own limit.

    Where the project says how much memory there is, that counts.

    >>> from pathlib import Path
    >>> import duckdb
    >>> with at_most("500MB", Path("spilled")):
    ...     limit_memory(connection := duckdb.connect())
    >>> connection.sql("SELECT current_setting('memory_limit')").fetchone()
    ('476.8 MiB',)
    """
    token = _lower.set((limit, folder))
    try:
        yield
    finally:
        _lower.reset(token)


def _megabytes(limit: str) -> int:
    return int(limit.removesuffix("MB"))
