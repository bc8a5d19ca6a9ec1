"""Implementation: whether the dashboards' queries name what exists.

Faster than building the site, and without Node: queries are put to DuckDB 1.5, where the browser
has 0.9.1, so `dataflow evidence build` may still refuse a newer function.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.publish.descriptions import DESCRIPTIONS_TABLE
from dataflow.publish.parquet import FRESHNESS_TABLE
from dataflow.shared.finding import Finding
from dataflow.shared.sql import one_select, quote_identifier, type_family
from dataflow_tools.checks.page_queries import Query, compile_query, find_queries
from dataflow_tools.checks.protocol import Group, Verdict, check, judged, not_applicable
from dataflow_tools.site.page_datasets import dataset_faults, find_datasets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow_tools.checks.tried_workflow import TriedWorkflow

_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
# As `site/site_files/template/check.mjs` judges: what a reader has still to choose makes
# other errors of no account.
_ABOUT_NAMES = re.compile(r"Catalog Error|Binder Error: Referenced (column|table)")
_ABOUT_QUERIES = re.compile(r"(Parser|Binder|Catalog) Error")
_TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
# The tables that publishing adds to those of the sources.
_ADDED = {
    FRESHNESS_TABLE: "table_name VARCHAR, row_count DOUBLE, published_at TIMESTAMP_MS, "
    "published_local TIMESTAMP_MS, time_zone VARCHAR",
    DESCRIPTIONS_TABLE: "table_name VARCHAR, column_name VARCHAR, description VARCHAR, "
    "unit VARCHAR",
}


def check_queries(
    connection: DuckDBPyConnection, workflow_id: str, evidence: Path
) -> tuple[int, list[Finding]]:
    """Put the queries of sources and pages to a database.

    Args:
        connection: The database, with the tables that the sources read.
        evidence: The workflow's folder ``evidence``.

    Returns:
        How many queries there are, and what is wrong with them, by files in that folder.
    """
    sources = sorted((evidence / "sources").glob("*.sql"))
    pages = {
        str(path.relative_to(evidence)): path.read_text("utf-8", errors="replace")
        for path in sorted((evidence / "pages").rglob("*.md"))
    }
    published, findings = _publish(connection, sources, evidence)
    _make_tables(connection, workflow_id, published)
    broken = {path.stem for path in sources} - set(published)
    count = len(sources)
    for file, text in pages.items():
        queries = find_queries(text)
        count += len(queries)
        findings += _page_findings(connection, file, queries, broken)
        findings += _dataset_findings(connection, file, text, broken)
    return count, findings


@check(
    Group.IMPLEMENTATION,
    "every dashboard query names tables and columns that exist",
    position=10,
    waits=True,
)
def check_dashboard_queries(workflow: TriedWorkflow) -> Verdict:
    """What came of putting the queries to tables without rows."""
    if not workflow.has("evidence"):
        return not_applicable("there is no folder evidence")
    dry_run = workflow.dry_run
    if dry_run.lost and not workflow.has("dbt"):
        return judged([replace(dry_run.lost, file=workflow.shown("evidence"))])
    if dry_run.findings is None:
        why = "the columns of the loaded table are not known before the first run"
        if dry_run.lost or (dry_run.models and dry_run.models.findings):
            why = "the models cannot be built"
        return not_applicable(why)
    new = " If it is new, run the workflow first." if dry_run.raw == "warehouse" else ""
    findings = [
        workflow.finding(
            finding.reason,
            f"Fix the query, or what it reads.{new}",
            f"evidence/{finding.file}",
            finding.line,
        )
        for finding in dry_run.findings
    ]
    return judged(findings, f"{dry_run.queries} queries")


def _publish(
    connection: DuckDBPyConnection, sources: list[Path], evidence: Path
) -> tuple[dict[str, str], list[Finding]]:
    """The columns of what each source query publishes, with the types that browsers get."""
    import duckdb

    published: dict[str, str] = {}
    findings: list[Finding] = []
    for path in sources:
        file, text = str(path.relative_to(evidence)), path.read_text("utf-8", errors="replace")
        if not _TABLE_NAME.fullmatch(path.stem) or path.stem in _ADDED:
            findings.append(_at(file, 1, f"The file's name, {path.stem!r}, cannot name a table."))
            continue
        try:
            query = one_select(connection, text)
            if query is None:
                findings.append(_at(file, 1, "This is not one SELECT."))
                continue
            result = connection.sql(query)
            published[path.stem] = ", ".join(
                f"{quote_identifier(name)} {_published_type(str(kind))}"
                for name, kind in zip(result.columns, result.types, strict=True)
            )
        except duckdb.Error as error:
            line = _line(str(error)) or _explained_line(connection, text) or 1
            findings.append(_at(file, line, _first_sentence(error)))
    return published, findings


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


def _page_findings(
    connection: DuckDBPyConnection, file: str, queries: list[Query], broken: set[str]
) -> Iterator[Finding]:
    import duckdb

    known = {query.name: query for query in queries}
    faulty: set[str] = set()
    for query in queries:
        compiled = compile_query(query, known)
        if compiled.fault:
            yield _at(file, query.line, f"query {query.name}: {compiled.fault}")
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
                yield _at(file, line, f"query {query.name}: {_first_sentence(error)}")


def _dataset_findings(
    connection: DuckDBPyConnection, file: str, page: str, broken: set[str]
) -> Iterator[Finding]:
    """What the site's components are told of tables and columns that are not there."""
    rows = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = 'browser' AND schema_name = current_schema() ORDER BY column_index"
    ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        if table not in _ADDED:
            tables.setdefault(table, []).append(column)
    # What is wrong with a source query has been said.
    datasets = [each for each in find_datasets(page) if each.table.name not in broken]
    for fault in dataset_faults(datasets, tables, broken):
        yield _at(file, fault.line, fault.reason)


def _at(file: str, line: int, reason: str) -> Finding:
    return Finding(reason, file=file, line=line)


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
    """The type that `dataflow.publish` writes for a type of DuckDB's."""
    family = type_family(kind)
    if family in ("whole", "fraction"):
        return "DOUBLE"
    if family == "moment":
        return "TIMESTAMP_MS"
    return "BOOLEAN" if family == "boolean" else "VARCHAR"
