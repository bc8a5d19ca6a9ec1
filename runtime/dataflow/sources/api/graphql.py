"""Connections of GraphQL: where ``pageInfo`` is, and the records beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.sources.api.paging_settings import Paging
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.records import MISSING, find_records, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE_INFO = "pageInfo"
_DEEPEST = 8
_CURSORS = ("after", "cursor", "endCursor", "end_cursor", "afterCursor", "after_cursor")
_DECLARED = re.compile(r"\$(\w+)\s*:")
_EDGE_KEYS = {"node", "cursor", "__typename"}


def graphql_records(document: Any, data_path: str | None, shown: str) -> list[dict[str, Any]]:
    """The records in an answer of GraphQL: ``nodes``, or what ``edges`` are about.

    Raises:
        SourceDataError: There are none, or it is not clear which ones are meant.
    """
    data = document.get("data") if isinstance(document, dict) else None
    path = data_path or _records_path(document)
    if path is None:
        if not isinstance(data, dict) or all(value is None for value in data.values()):
            raise SourceDataError(
                f"{shown} has null where the rows should be.",
                "Look whether `ingestion.source.query` asks for what there is.",
            )
        # Not from the document: `extensions` may have lists of its own.
        document = data
        only = next(iter(data.values()))
        if len(data) == 1 and isinstance(only, dict):
            document = only
    records = find_records(document, path, shown)
    if records and all(record.keys() <= _EDGE_KEYS and "node" in record for record in records):
        records = [record["node"] for record in records]
        if not all(isinstance(record, dict) for record in records):
            raise SourceDataError(
                f"{shown} has an edge without a node.",
                "Ask only for what the login may read, and for `node` in each of `edges`.",
            )
    return records


def detect_connection(document: Any, query: str, count: int) -> Paging | None:
    """``paging`` for an answer with one ``pageInfo``; None if it has none.

    Raises:
        SourceSettingError: There is more, and no variable to ask for it with.
    """
    paths = list(_paths(document, "", _DEEPEST))
    if not paths:
        return None
    path = _only(paths)
    info = value_at(document, path)
    more = info.get("hasNextPage") if isinstance(info, dict) else None
    if more is False:
        return Paging(type="none")
    if more is None and not count:
        return None
    return Paging(type="graphql", cursor_path=path, cursor_param=cursor_variable(query))


def connection_path(document: Any) -> str:
    """Where the one ``pageInfo`` of an answer is.

    Raises:
        SourceDataError: There is none.
        SourceSettingError: There are several.
    """
    paths = list(_paths(document, "", _DEEPEST))
    if not paths:
        raise SourceDataError(
            "The API's answer has no `pageInfo`.",
            "Ask for `pageInfo { hasNextPage endCursor }` in `ingestion.source.query`.",
        )
    return _only(paths)


def cursor_variable(query: str) -> str:
    """The variable of a query that takes the cursor of the next page.

    Raises:
        SourceSettingError: It declares none that is usually called so.

    >>> cursor_variable("query ($n: Int!, $after: String) { a(first: $n, after: $after) { x } }")
    'after'
    """
    declared = _DECLARED.findall(query)
    for name in _CURSORS:
        if name in declared:
            return name
    raise SourceSettingError(
        "The API's answer has a next page, and the query has no variable that asks for it.",
        "Declare `$after: String` in `ingestion.source.query` and use it as `after: $after`, or "
        "set `paging: {type: graphql, cursor_param: NAME}`.",
    )


def _only(paths: list[str]) -> str:
    if len(paths) > 1:
        raise SourceSettingError(
            f"The API's answer has `pageInfo` at several places: {', '.join(paths[:8])}.",
            "Set `ingestion.source.data_path`, and `paging.cursor_path` to the one that is meant.",
        )
    return paths[0]


def _records_path(document: Any) -> str | None:
    paths = list(_paths(document, "", _DEEPEST))
    if len(paths) != 1:
        return None
    parent = paths[0].rpartition(".")[0]
    for name in ("nodes", "edges", "items"):
        path = f"{parent}.{name}" if parent else name
        if value_at(document, path) is not MISSING:
            return path
    return None


def _paths(document: Any, prefix: str, depth: int) -> Iterator[str]:
    """The paths of every ``pageInfo`` that is not in a list."""
    if not isinstance(document, dict) or not depth:
        return
    for key, value in document.items():
        if key == _PAGE_INFO:
            yield f"{prefix}{key}"
        else:
            yield from _paths(value, f"{prefix}{key}.", depth - 1)
