"""Database sources: from ``ingestion.source`` of type database to one table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote as quote_path

from dataflow.sources.database.duckdb_source import holds_texts, list_duckdb_tables, read_duckdb
from dataflow.sources.database.settings import DatabaseSource
from dataflow.sources.database.text_cursor import text_cursor
from dataflow.sources.durations import durations_as_text
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.file.location import local_path
from dataflow.sources.incremental import Progress
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind, shown_location

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import URL

    from dataflow.shared.config_model import Parameters
    from dataflow.sources.database.text_cursor import TextCursor

_DUCKDB = "duckdb"
_SQLITE = "sqlite"
_DUCKDB_SUFFIXES = (".duckdb", ".ddb")
# Where the first bytes of a database file tell what it is.
_MAGIC = {b"SQLite format 3\x00": (0, _SQLITE), b"DUCK": (8, _DUCKDB)}


def read_database(settings: DatabaseSource, request: ReadRequest) -> Extracted:
    """Read a table, or the result of a query, without changing anything.

    Raises:
        SourceNotFoundError: There is no such file or table.
        SourceUnavailableError: The database cannot be reached, or refuses.
        SourceError: The query fails.
        SourceSettingError: A setting cannot be used.
        MissingDependencyError: The database's driver is not installed.
    """
    # One row more than are wanted tells whether there are more.
    limit = None if request.limit is None else request.limit + 1
    kind, path = _file_kind(settings.url)
    if kind == _DUCKDB and path is not None:
        texts = _text_cursor(settings, request, partial(holds_texts, path, settings))
        progress = _progress(settings, request, texts)
        typed = read_duckdb(path, settings, request.parameters, progress, limit)
    else:
        from dataflow.sources.database.server import read_server, server_holds_texts

        url = _server_url(path, settings)
        texts = _text_cursor(settings, request, partial(server_holds_texts, url, settings))
        progress = _progress(settings, request, texts)
        typed = read_server(url, settings, request, progress, limit, texts)
    typed = durations_as_text(typed)
    return Extracted(
        typed.table if request.limit is None else typed.table.slice(0, request.limit),
        shown_location(settings.url, settings.table),
        typed.notes,
        progress.saved() if progress else None,
        whole=limit is None or typed.table.num_rows < limit,
        span=progress.span if progress else None,
        written=typed.written,
        declared=True,
    )


KIND = SourceKind(DatabaseSource, read_database)


def _text_cursor(
    settings: DatabaseSource, request: ReadRequest, holds: Callable[[Parameters, str], bool]
) -> TextCursor | None:
    """How the cursor is read if it is text in the database, and by the contract something else."""
    if settings.incremental is None:
        return None
    field = settings.incremental.column
    return text_cursor(field, request.contract, lambda: holds(request.parameters, field))


def _progress(
    settings: DatabaseSource, request: ReadRequest, texts: TextCursor | None
) -> Progress | None:
    incremental = settings.incremental
    if incremental is None:
        return None
    window, last_value = request.window(incremental.look_back), request.last_value
    initial_value = incremental.initial_value
    if texts is not None:
        window = replace(window, since=texts.bound(window.since), until=texts.bound(window.until))
        saved = last_value if isinstance(last_value, dict) else {"value": last_value}
        last_value = {**saved, "value": texts.bound(saved.get("value"))}
        initial_value = texts.bound(initial_value)
    read = texts.values if texts else None
    return Progress(incremental.column, last_value, initial_value, window, read=read)


def list_tables(settings: DatabaseSource, parameters: Parameters) -> list[str]:
    """Names of the tables and views that a database has in the source's schema."""
    kind, path = _file_kind(settings.url)
    if kind == _DUCKDB and path is not None:
        return list_duckdb_tables(path, settings, parameters)
    from dataflow.sources.database.server import list_server_tables

    return list_server_tables(_server_url(path, settings), settings, parameters)


def _file_kind(url: str) -> tuple[str | None, Path | None]:
    """Whether a location is a DuckDB or SQLite file, and which."""
    scheme, sign, rest = url.partition("://")
    driver = scheme.split("+")[0].lower()
    if sign and driver not in (_DUCKDB, _SQLITE, "file"):
        return None, None
    location = rest.removeprefix("/").split("?")[0] if sign else url
    path = local_path(location)
    if path.suffix in _DUCKDB_SUFFIXES or driver == _DUCKDB:
        # Not even looked into: closing a file drops the locks that this process has on it.
        return _DUCKDB, path
    with path.open("rb") as file:
        start = file.read(16)
    for magic, (offset, kind) in _MAGIC.items():
        if start[offset:].startswith(magic):
            return kind, path
    if not start and driver == _SQLITE:
        return _SQLITE, path
    raise SourceSettingError(
        f"{path} is neither a DuckDB nor a SQLite file.",
        "Correct `ingestion.source.url`, or set `ingestion.source.type` to file.",
    )


def _server_url(path: Path | None, settings: DatabaseSource) -> str | URL:
    """The address for SQLAlchemy: of a SQLite file, to be read only, or as it is."""
    if path is None:
        return settings.url
    from sqlalchemy import URL

    # Quoted: what a file is called must not set options of its own, or name another file.
    file = f"file:{quote_path(str(path))}"
    return URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"})
