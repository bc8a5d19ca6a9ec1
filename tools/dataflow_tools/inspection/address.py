"""From a location that a person types to the settings of a source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dataflow.sources.errors import SourceSettingError
from dataflow.sources.file.location import FORMATS
from dataflow.sources.file.unpack import inner_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.project import Project

_DATABASE_SUFFIXES = (".duckdb", ".ddb", ".sqlite", ".sqlite3", ".db")


def source_from_location(
    project: Project,
    location: str,
    table: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The settings of a source at a location: its type, its URL, and the table of a database.

    An http address whose path ends like a file is a file, any other is an API. A path is taken
    from the current folder, and written relative to the project where it is in it.

    Args:
        project: The project that the workflow is for.
        location: A path, a glob, an address of a file, of an API or of a database.
        table: With a database, the table; found out if there is only one.
        settings: What else is known: the ``schema`` of a database's table, or a ``query``.

    Raises:
        SourceSettingError: A database has several tables, and none was named.
        SourceError: The database cannot be read.
    """
    parts = urlsplit(location)
    scheme = parts.scheme.lower() if "://" in location else ""
    if scheme in ("http", "https"):
        is_file = Path(inner_name(parts.path)).suffix.lower() in FORMATS
        return {"type": "file" if is_file else "api", "url": location}
    if scheme == "s3":
        return {"type": "file", "url": location}
    if scheme not in ("", "file"):
        return _database(location, table, settings or {})
    location = location.removeprefix("file://")
    url = _from_project(project, location)
    if table is not None or Path(location).suffix.lower() in _DATABASE_SUFFIXES:
        return _database(url, table, settings or {})
    return {"type": "file", "url": url}


def _from_project(project: Project, location: str) -> str:
    path = Path(os.path.abspath(os.path.expanduser(location)))  # noqa: PTH100, PTH111  (links stay links)
    return (
        path.relative_to(project.root).as_posix()
        if path.is_relative_to(project.root)
        else str(path)
    )


def _database(url: str, table: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    from dataflow.shared.config_model import Parameters
    from dataflow.sources.database.reader import list_tables
    from dataflow.sources.database.settings import DatabaseSource
    from dataflow.sources.validation import checked_settings

    source: dict[str, Any] = {"type": "database", "url": url, **settings}
    if source.get("query"):
        return source
    if table is not None:
        return {**source, "table": table}
    # A source names a table, which the list of tables does not look at.
    any_table = checked_settings(DatabaseSource, {**source, "table": "?"})
    tables = list_tables(any_table, Parameters(max_retries=0))
    if len(tables) != 1:
        raise SourceSettingError(
            f"The database has {len(tables)} tables.",
            f"Name one with --table: {', '.join(tables[:20]) or 'there is none in this schema'}.",
        )
    return {**source, "table": tables[0]}
