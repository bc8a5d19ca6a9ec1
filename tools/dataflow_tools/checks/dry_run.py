"""A dry run of a workflow's models and queries, on tables without rows.

The tables have the columns of the warehouse, or of the rows that the workflow's tests load. dbt
builds its models on them, then every dashboard query is put to the database. So what does not
exist is found before a run, and neither the source nor the warehouse is touched. It runs in a
`Worker`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.modelling.known_graph import known_graph
from dataflow.modelling.profile import profile_folder
from dataflow.modelling.upstream_sources import tell_of_upstreams
from dataflow.shared.project import Project
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow_tools.checks.dashboard_queries import check_queries
from dataflow_tools.checks.dbt_models import build_empty_models
from dataflow_tools.checks.tables_without_rows import columns_of, copy_columns
from dataflow_tools.checks.tried_workflow import DryRun
from dataflow_tools.checks.upstream import changed_upstream, upstream_without_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection


_DATABASE = "dry_run.duckdb"


@dataclass(frozen=True)
class DryRunRequest:
    """What a dry run is to try: on which tables in ``raw``, and with which rows of the tests.

    ``sample`` is a folder with a Parquet file for each table. ``upstream`` has the workflows that
    it comes after, each with whether a dry run of it has been made.
    """

    root: Path
    workflow_id: str
    tables: Sequence[str]
    sample: Path | None = None
    with_models: bool = True
    with_queries: bool = True
    upstream: Mapping[str, bool] = field(default_factory=dict)


def prepare_models() -> None:
    """Import what every dry run with dbt needs."""
    prepare_queries()
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with suppress(ImportError):
        import dbt.cli.main  # noqa: F401


def prepare_queries() -> None:
    """Import what every dry run needs."""
    import duckdb  # noqa: F401


def perform_dry_run(request: DryRunRequest) -> DryRun:
    """Build the models on empty tables and put the queries to them, in the worker."""
    from filelock import FileLock

    project = Project(request.root)
    folder = _folder(project, request.workflow_id)
    folder.mkdir(parents=True, exist_ok=True)
    # The same path every time: dbt reads its whole project anew when a variable changes.
    with FileLock(folder / "check.lock"):
        return _perform(project, request, folder / _DATABASE, folder)


def _folder(project: Project, workflow_id: str) -> Path:
    return project.state_dir / "dbt" / workflow_id / "check"


def _perform(project: Project, request: DryRunRequest, database: Path, folder: Path) -> DryRun:
    import duckdb

    result = DryRun()
    for leftover in folder.glob("dry_run.duckdb*"):
        leftover.unlink()
    with duckdb.connect(str(database)) as connection:
        result.built = copy_columns(connection, project, request.workflow_id)
        made = [_make_raw_table(connection, request, t, set(result.built)) for t in request.tables]
        # Who loads none lacks none.
        result.raw = (made[0] if made else "warehouse") if all(made) else ""
    if request.with_models:
        source = project.workflow_dir(request.workflow_id) / "dbt"
        graph = known_graph(project, request.workflow_id)
        tried = {
            name: _folder(project, name) / _DATABASE if is_tried else None
            for name, is_tried in request.upstream.items()
        }
        upstream, are_known = upstream_without_rows(project, folder, tried, graph)
        tell_of_upstreams(source, upstream, graph)
        if not request.tables and not are_known:
            result.raw = ""
        result.models = build_empty_models(
            source,
            folder,
            database,
            build=bool(result.raw) and are_known,
            profile=profile_folder(source, folder, None, upstream),
        )
        if are_known and not result.models.findings:
            changed = changed_upstream(project, request.workflow_id, upstream, graph)
            result.models.findings += changed
    with duckdb.connect(str(database)) as connection:
        result.columns = columns_of(connection)
        are_models_there = result.models is None or not result.models.findings
        if request.with_queries and result.raw and are_models_there:
            evidence = project.workflow_dir(request.workflow_id) / "evidence"
            checked = check_queries(connection, request.workflow_id, evidence)
            result.queries, result.findings = checked
    return result


def _make_raw_table(
    connection: DuckDBPyConnection, request: DryRunRequest, name: str, known: set[str]
) -> str:
    table = f"raw.{quote_identifier(name)}"
    is_known = f"raw.{name}" in known
    if request.sample is None:
        return "warehouse" if is_known else ""
    rows = (
        f"SELECT * FROM read_parquet({quote_literal(request.sample / f'{name}.parquet')}) LIMIT 0"  # noqa: S608
    )
    if is_known:
        # Columns that are new in the code are in the sample, and in the warehouse after a run.
        rows = f"(SELECT * FROM {table} LIMIT 0) UNION ALL BY NAME ({rows})"  # noqa: S608
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {rows}")
    return "sample"
