"""Database sources: from ``ingestion.source`` of type database to one table."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote as quote_path

from dataflow.shared.sql import one_select, quote_identifier, quote_literal
from dataflow.sources.column_names import distinct_names
from dataflow.sources.database.settings import DatabaseSource
from dataflow.sources.errors import (
    SourceError,
    SourceNotFoundError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.file.location import local_path
from dataflow.sources.incremental import Progress
from dataflow.sources.inference import BATCH_ROWS, TypedTable, durations_as_text
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind, shown_location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb
    from sqlalchemy import URL

    from dataflow.shared.config_model import Parameters

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
    incremental, progress = settings.incremental, None
    if incremental:
        progress = Progress(incremental.column, request.last_value, incremental.initial_value)
    # One row more than are wanted tells whether there are more.
    limit = None if request.limit is None else request.limit + 1
    kind, path = _file_kind(settings.url)
    if kind == _DUCKDB and path is not None:
        typed = _read_duckdb(path, settings, progress, limit)
    else:
        from dataflow.sources.database.server import read_server

        url = _server_url(path, settings)
        typed = read_server(url, settings, request, progress, limit)
    typed = durations_as_text(typed)
    return Extracted(
        typed.table.slice(0, request.limit),
        shown_location(settings.url, settings.table),
        typed.notes,
        progress.saved() if progress else None,
        whole=limit is None or typed.table.num_rows < limit,
        written=typed.written,
    )


KIND = SourceKind(DatabaseSource, read_database)


def list_tables(settings: DatabaseSource, parameters: Parameters) -> list[str]:
    """Names of the tables and views that a database has in the source's schema."""
    kind, path = _file_kind(settings.url)
    if kind == _DUCKDB and path is not None:
        with _open_duckdb(path) as connection:
            schema = (settings.schema_ or "main").lower()
            return [table for own, table in _known(connection) if own.lower() == schema]
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


def _read_duckdb(
    path: Path, settings: DatabaseSource, progress: Progress | None, limit: int | None
) -> TypedTable:
    with _open_duckdb(path) as connection:
        relation = _relation(connection, settings)
        names, notes = distinct_names(relation.columns)
        if progress is not None:
            relation = _since(relation, progress)
        if limit is not None:
            relation = relation.limit(limit)
        relation = _without_unions(relation)
        table = relation.to_arrow_table(batch_size=BATCH_ROWS).rename_columns(names)
        return TypedTable(progress.admit_table(table, notes) if progress else table, notes)


@contextmanager
def _open_duckdb(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file to read from; what goes wrong with it is told in our words."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except duckdb.IOException as error:
        raise SourceUnavailableError(
            f"{path} cannot be opened: {str(error).splitlines()[0]}",
            "Wait for the program that writes to it, or look whether this DuckDB can read it.",
        ) from error
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise SourceError(
            f"The query on {path} fails: {str(error).splitlines()[0]}",
            "Correct `ingestion.source.query`.",
        ) from error


def _relation(
    connection: duckdb.DuckDBPyConnection, settings: DatabaseSource
) -> duckdb.DuckDBPyRelation:
    if settings.query:
        query = one_select(connection, settings.query)
        if query is None:
            raise SourceSettingError(
                "`ingestion.source.query` is not one SELECT.", "Write one SELECT."
            )
        return connection.sql(f"FROM (\n{query}\n)")
    known = _known(connection)
    schema, table = settings.schema_ or "main", settings.table or ""
    if (schema.lower(), table.lower()) not in {(s.lower(), t.lower()) for s, t in known}:
        raise SourceNotFoundError.of_table(schema, table, [f"{s}.{t}" for s, t in known])
    return connection.sql(f"FROM {quote_identifier(schema)}.{quote_identifier(table)}")


def _without_unions(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The relation with unions as text, since the files between the steps have no such type."""
    kinds = list(zip(relation.columns, map(str, relation.types), strict=True))
    if not any(kind.startswith("UNION") for _, kind in kinds):
        return relation
    columns = []
    for name, kind in kinds:
        column = quote_identifier(name)
        is_union = kind.startswith("UNION")
        columns.append(f"CAST({column} AS VARCHAR) AS {column}" if is_union else column)
    return relation.project(", ".join(columns))


def _known(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """All tables and views, with their schemas."""
    return connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    ).fetchall()


def _since(relation: duckdb.DuckDBPyRelation, progress: Progress) -> duckdb.DuckDBPyRelation:
    name = progress.column_in(relation.columns)
    if progress.start is None:
        return relation
    kind = relation.types[relation.columns.index(name)]
    return relation.filter(
        f"{quote_identifier(name)} >= CAST({quote_literal(progress.start)} AS {kind})"
    )
