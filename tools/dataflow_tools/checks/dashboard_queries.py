"""Implementation: whether the dashboards' queries name what exists.

Faster than building the site, and without Node: queries are put to DuckDB 1.5, where the browser
has 0.9.1, so `dataflow evidence build` may still refuse a newer function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.publish.descriptions import DESCRIPTIONS_TABLE
from dataflow.publish.parquet import FRESHNESS_TABLE
from dataflow.shared.sql import one_select, quote_identifier, type_family
from dataflow_tools.checks.checklist import Finding, Point, judged, not_applicable
from dataflow_tools.checks.pages import Query, compile_query, find_queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow_tools.checks.dry_run import DryRun
    from dataflow_tools.checks.workflow_source import WorkflowSource

_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
# As `dashboards/site_files/template/check.mjs` judges: what a reader has still to choose makes
# other errors of no account.
_ABOUT_NAMES = re.compile(r"Catalog Error|Binder Error: Referenced (column|table)")
_ABOUT_QUERIES = re.compile(r"(Parser|Binder|Catalog) Error")
_TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# The tables that publishing adds to those of the sources.
_ADDED = {
    FRESHNESS_TABLE: "table_name VARCHAR, row_count DOUBLE, published_at TIMESTAMP_MS",
    DESCRIPTIONS_TABLE: "table_name VARCHAR, column_name VARCHAR, description VARCHAR",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a query.

    Args:
        file: The file in the folder ``evidence``.
        line: The line of the file.
        reason: What DuckDB says.
    """

    file: str
    line: int
    reason: str


def check_queries(
    connection: DuckDBPyConnection, workflow_id: str, evidence: Path
) -> tuple[int, list[Fault]]:
    """Put the queries of sources and pages to a database.

    Args:
        connection: The database, with the tables that the sources read.
        workflow_id: The workflow.
        evidence: Its folder ``evidence``.

    Returns:
        How many queries there are, and what is wrong with them.
    """
    sources = sorted((evidence / "sources").glob("*.sql"))
    pages = {
        str(path.relative_to(evidence)): find_queries(path.read_text("utf-8", errors="replace"))
        for path in sorted((evidence / "pages").rglob("*.md"))
    }
    published, faults = _publish(connection, sources, evidence)
    _make_tables(connection, workflow_id, published)
    broken = {path.stem for path in sources} - set(published)
    for file, queries in pages.items():
        faults += _page_faults(connection, file, queries, broken)
    return len(sources) + sum(map(len, pages.values())), faults


def check_dashboard_queries(workflow: WorkflowSource, dry_run: DryRun | None) -> Point:
    """Judge the dashboards' queries."""
    if not workflow.has("evidence"):
        return not_applicable("queries", "there is no folder evidence")
    if dry_run is None or dry_run.faults is None:
        why = "the columns of the loaded table are not known before the first run"
        if dry_run is None or (dry_run.models and dry_run.models.faults):
            why = "the models cannot be built"
        return not_applicable("queries", why)
    new = " If it is new, run the workflow first." if dry_run.raw == "warehouse" else ""
    findings = [
        Finding(
            workflow.shown("evidence", fault.file),
            fault.reason,
            f"Mend the query, or what it reads.{new}",
            fault.line,
        )
        for fault in dry_run.faults
    ]
    return judged("queries", findings, f"{dry_run.queries} queries")


def _publish(
    connection: DuckDBPyConnection, sources: list[Path], evidence: Path
) -> tuple[dict[str, str], list[Fault]]:
    """The columns of what each source query publishes, with the types that browsers get."""
    import duckdb

    published: dict[str, str] = {}
    faults: list[Fault] = []
    for path in sources:
        file, text = str(path.relative_to(evidence)), path.read_text("utf-8", errors="replace")
        if not _TABLE_NAME.fullmatch(path.stem) or path.stem in _ADDED:
            faults.append(Fault(file, 1, f"The file's name, {path.stem!r}, cannot name a table."))
            continue
        try:
            query = one_select(connection, text)
            if query is None:
                faults.append(Fault(file, 1, "This is not one SELECT."))
                continue
            result = connection.sql(query)
            published[path.stem] = ", ".join(
                f"{quote_identifier(name)} {_published_type(str(kind))}"
                for name, kind in zip(result.columns, result.types, strict=True)
            )
        except duckdb.Error as error:
            line = _line(str(error)) or _explained_line(connection, text) or 1
            faults.append(Fault(file, line, _first_sentence(error)))
    return published, faults


def _make_tables(
    connection: DuckDBPyConnection, workflow_id: str, published: dict[str, str]
) -> None:
    # In a database of their own, so that pages see nothing else.
    connection.execute("ATTACH ':memory:' AS browser; USE browser")
    schema = quote_identifier(workflow_id)
    connection.execute(f"CREATE SCHEMA {schema}")
    for table, columns in {**published, **_ADDED}.items():
        connection.execute(f"CREATE TABLE {schema}.{quote_identifier(table)} ({columns})")
    connection.execute(f"USE browser.{schema}")


def _page_faults(
    connection: DuckDBPyConnection, file: str, queries: list[Query], broken: set[str]
) -> Iterator[Fault]:
    import duckdb

    known = {query.name: query for query in queries}
    faulty: set[str] = set()
    for query in queries:
        compiled = compile_query(query, known)
        if compiled.fault:
            yield Fault(file, query.line, f"query {query.name}: {compiled.fault}")
            continue
        try:
            connection.execute(f"EXPLAIN {compiled.sql}").fetchall()
        except duckdb.Error as error:
            message = str(error)
            pattern = _ABOUT_NAMES if compiled.has_inputs else _ABOUT_QUERIES
            faulty.add(query.name)
            # Said already: of the source query, or of the query that this one is made of.
            is_known = any(f"Table with name {name} " in message for name in broken)
            if pattern.match(message) and not is_known and not compiled.parts & faulty:
                line = query.line + (_name_line(query.sql, message) or 0)
                yield Fault(file, line, f"query {query.name}: {_first_sentence(error)}")


def _name_line(sql: str, message: str) -> int:
    """The line of a query with the name that a message is about, counted from 1."""
    found = re.search(r'(?:column "|name )([\w.]+)', message)
    if found is None:
        return 0
    word = re.compile(rf"(?<![\w$]){re.escape(found[1])}(?![\w$])")
    return next((n for n, line in enumerate(sql.splitlines(), 1) if word.search(line)), 0)


def _explained_line(connection: DuckDBPyConnection, sql: str) -> int:
    """The line of a name that does not exist: only a statement that is run tells it."""
    import duckdb

    try:
        connection.execute(f"EXPLAIN {sql}")
    except duckdb.Error as error:
        return _line(str(error))
    return 0


def _line(message: str) -> int:
    found = _LINE.search(message)
    return int(found[1]) if found else 0


def _first_sentence(error: Exception) -> str:
    return " ".join(re.split(r"\n\s*(?:LINE \d+:|\^)", str(error))[0].split())


def _published_type(kind: str) -> str:
    """The type that `dashboards.publish` writes for a type of DuckDB's."""
    family = type_family(kind)
    if family in ("whole", "fraction"):
        return "DOUBLE"
    if family == "moment":
        return "TIMESTAMP_MS"
    return "BOOLEAN" if family == "boolean" else "VARCHAR"
