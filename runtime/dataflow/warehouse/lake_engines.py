"""DuckDBs of this process that have the extensions of lakes loaded, to be used again.

DuckDB checks the signature of an extension each time it is loaded, a hundred megabytes of them: a
third of a second of CPU for each connection. A DuckDB that is as it was made is put back; one that
somebody has set or made something in is not.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dataflow.shared.duckdb_memory import limit_memory, memory_limit
from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

_lock = threading.Lock()
# By the process, since a fork has no threads of its parent's, and by what was loaded.
_idle: dict[tuple[int, frozenset[str], str], list[tuple[DuckDBPyConnection, str]]] = {}
_MOST_IDLE = 2
# All that could be left behind: settings, views, tables and functions of one's own.
_STATE = """
SELECT (SELECT string_agg(name || '=' || coalesce(value, ''), ';' ORDER BY name)
  FROM duckdb_settings() WHERE name NOT IN ('schema', 'search_path'))
  || (SELECT count(*) FROM duckdb_views() WHERE NOT internal)
  || ' ' || (SELECT count(*) FROM duckdb_tables() WHERE NOT internal)
  || ' ' || (SELECT count(*) FROM duckdb_functions() WHERE NOT internal)
"""


@contextmanager
def lake_engine(
    extensions: frozenset[str], prepare: Callable[[DuckDBPyConnection], None]
) -> Iterator[DuckDBPyConnection]:
    """A DuckDB of one's own, with nothing attached, for as long as the block lasts.

    Args:
        extensions: Those that are loaded.
        prepare: Loads them into a new one.
    """
    import duckdb

    key = (os.getpid(), extensions, memory_limit())
    with _lock:
        connection, state = _idle[key].pop() if _idle.get(key) else (None, "")
    if connection is None:
        connection = duckdb.connect()
        try:
            limit_memory(connection)
            prepare(connection)
            state = _state(connection)
        except BaseException:
            connection.close()
            raise
    is_as_it_was = False
    try:
        yield connection
        with suppress(duckdb.Error):
            _detach_all(connection)
            is_as_it_was = _state(connection) == state
    finally:
        with _lock:
            is_kept = is_as_it_was and len(_idle.setdefault(key, [])) < _MOST_IDLE
            if is_kept:
                _idle[key].append((connection, state))
        if not is_kept:
            connection.close()


def _detach_all(connection: DuckDBPyConnection) -> None:
    connection.execute("USE memory")
    attached = connection.execute(
        "SELECT database_name FROM duckdb_databases() WHERE NOT internal "
        "AND database_name <> 'memory'"
    ).fetchall()
    for (name,) in attached:
        # A lake takes its catalog's database along.
        if not str(name).startswith("__ducklake_metadata_"):
            connection.execute(f"DETACH {quote_identifier(str(name))}")


def _state(connection: DuckDBPyConnection) -> str:
    row = connection.execute(_STATE).fetchone()
    return str(row[0]) if row else ""
