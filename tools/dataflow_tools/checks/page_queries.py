"""The queries in a page of a dashboard, as Evidence reads them.

The rules are those of `extract-queries` in Evidence's package `preprocess` (40.1.8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FENCE = re.compile(
    r"^ {0,3}(?P<fence>`{3,}+|~{3,}+)[ \t]*(?P<words>[^\n`]*?)[ \t]*\r?\n"
    r"(?P<body>.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*\r?$|\Z)",
    re.MULTILINE | re.DOTALL,
)
# A block that names another language shows code; one that names a query and no language runs it.
_BEGINS_QUERY = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(select|with|from|pivot|summarize)\b", re.IGNORECASE
)
_CODE = {"bash", "html", "javascript", "js", "json", "markdown", "python", "sh", "text", "yaml"}
_REFERENCE = re.compile(r"\$\{(?P<name>[^}]*)\}")
# In comments an apostrophe opens no text, and in texts dashes open no comment.
_TOKEN = re.compile(rf"(?P<text>'(?:[^']|'')*')|--[^\n]*|/\*.*?\*/|{_REFERENCE.pattern}", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """One query of a page; its line is that on which its block begins."""

    name: str
    sql: str
    line: int


@dataclass(frozen=True)
class CompiledQuery:
    """A query with what it refers to put in.

    Args:
        parts: The names of the queries that it is made of.
        has_inputs: Whether it depends on what a reader chooses.
        fault: Why it cannot be compiled.
    """

    sql: str = ""
    parts: frozenset[str] = frozenset()
    has_inputs: bool = False
    fault: str = ""


def find_queries(page: str) -> list[Query]:
    """The queries of a page, in order."""
    found = []
    for block in _FENCE.finditer(page):
        language, _, name = block["words"].partition(" ")
        if language.lower() != "sql":
            if not language or name or language.lower() in _CODE:
                continue
            if not _BEGINS_QUERY.match(block["body"]):
                continue
            name = language
        if name.strip():
            line = page.count("\n", 0, block.start()) + 1
            found.append(Query(name.strip(), block["body"], line))
    return found


def compile_query(query: Query, known: Mapping[str, Query]) -> CompiledQuery:
    """Put the text of other queries, and something for what a reader chooses, into a query."""
    parts: set[str] = set()
    try:
        sql = _insert(query, known, (query.name,), parts)
    except RecursionError as error:
        return CompiledQuery(fault=str(error))
    if "${}" in sql:
        return CompiledQuery(fault="it has an empty reference, `${}`")
    return CompiledQuery(_without_inputs(sql), frozenset(parts), "${" in sql)


def _insert(
    query: Query, known: Mapping[str, Query], path: tuple[str, ...], parts: set[str]
) -> str:
    def insert(match: re.Match[str]) -> str:
        name = match["name"].strip()
        if name not in known:
            return match[0]
        if name in path:
            raise RecursionError(f"it refers to itself: {' → '.join((*path, name))}")
        parts.add(name)
        return f"({_insert(known[name], known, (*path, name), parts)}\n)"

    # The semicolon and blanks at the end would break the query that this one is put into.
    return _REFERENCE.sub(insert, query.sql.rstrip().rstrip(";"))


def _without_inputs(sql: str) -> str:
    """The query with something in place of what a reader has not chosen yet."""

    def replace(match: re.Match[str]) -> str:
        if match["name"] is not None:
            return "(SELECT NULL WHERE 0)"
        return _REFERENCE.sub("2000-01-01", match[0]) if match["text"] else match[0]

    return _TOKEN.sub(replace, sql)
