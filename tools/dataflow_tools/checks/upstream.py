"""The tables of the workflows that one comes after, as a dry run of it finds them: without rows.

They are what the dry run of those has made, by their code as it is now, where the check has tried
them; else what their last good run has left. So a column that is to go is missed before any run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.modelling.upstream_columns import changes_used
from dataflow.shared.errors import DataflowError
from dataflow.shared.finding import Finding
from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.held_file import HeldFile
from dataflow.warehouse.kind import visible_warehouse
from dataflow.warehouse.upstream_tables import UpstreamTable, noted_columns, read_tables
from dataflow_tools.checks.tables_without_rows import copy_columns, copy_file_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dataflow.modelling.model_graph import ModelGraph
    from dataflow.shared.project import Project
    from dataflow.warehouse.kind import HeldTables

# The name by which the views of a dry run's database know it.
_TRIED = "dry_run"


def upstream_without_rows(
    project: Project,
    folder: Path,
    upstream: Mapping[str, Path | None],
    graph: ModelGraph,
) -> tuple[dict[str, HeldTables], bool]:
    """Copies of the tables of other workflows, without rows.

    Args:
        folder: Where to write them, as DuckDB files.
        upstream: The workflows, with the database of their dry run where there was one.
        graph: The models that read the tables.

    Returns:
        The copies, by the workflows' ids, and whether the columns of all that models read are
        known.
    """
    held: dict[str, HeldTables] = {}
    are_known = True
    for name, tried in upstream.items():
        file = folder / "upstream" / f"without_rows_{name}.duckdb"
        read = [each for model in graph.models for each in model.upstream if each[0] == name]
        found = _copy(file, project, name, tried, read)
        held[name] = HeldFile(file)
        are_known = are_known and (found or not read)
    return held, are_known


def changed_upstream(
    project: Project, workflow_id: str, upstream: Mapping[str, HeldTables], graph: ModelGraph
) -> list[Finding]:
    """The columns that the models use and that have changed since their last good run."""
    import duckdb

    if not upstream:
        return []
    try:
        before = _noted(project, workflow_id)
    except (duckdb.Error, DataflowError):
        # In use by a run, or damaged, which doctor says.
        return []
    now: list[UpstreamTable] = []
    for name, held in upstream.items():
        with held.connect() as connection:
            now += read_tables(connection, name)
    told = "See that the model still fits, then run both workflows: a run notes what it has read."
    return [
        Finding(f"The model {model.relation[1]} reads what has changed: {change}", told, "models")
        for change, model in changes_used(graph, before, now)
    ]


def _noted(project: Project, workflow_id: str) -> list[UpstreamTable]:
    import duckdb

    warehouse = visible_warehouse(project, workflow_id)
    if not warehouse.exists():
        return []
    if isinstance(warehouse, DuckDBFile):
        # Not opened by itself: that waits for a run that has it open.
        with duckdb.connect(str(warehouse.path), read_only=True) as connection:
            return noted_columns(connection)
    with warehouse.connect(read_only=True) as connection:
        return noted_columns(connection)


def _copy(
    target: Path,
    project: Project,
    name: str,
    tried: Path | None,
    read: Sequence[tuple[str, str, str]],
) -> bool:
    """Make a database with the tables of a dry run, or of the warehouse; false if none has any.

    Then it has those that models read, with a column of no meaning, so that dbt can parse them.
    """
    import duckdb

    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f"{target.name}*"):
        leftover.unlink()
    with duckdb.connect(str(target)) as connection:
        if tried is not None and copy_file_columns(connection, tried, _TRIED):
            return True
        if copy_columns(connection, project, name):
            return True
        for _, schema, table in read:
            where = quote_identifier(schema or "marts")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {where}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {where}.{quote_identifier(table)} (unknown INTEGER)"
            )
    return False
