"""The tables of other workflows as one run sees them: the same from its first step to its last.

A run of `b` reads those of `a` in a file of its own, ``data/.runs/b/upstream/a.duckdb``: a second
name of the file that the last good run of `a` has left, which costs nothing. When a run of `a` puts
another file in its place meanwhile, this one stays. The path is the same for each run, since dbt
parses all models anew when it changes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.database import STATES_FOLDER, open_database, warehouse_fault
from dataflow.warehouse.duckdb_file import AtomicDuckDBFile
from dataflow.warehouse.file_copy import copy_file
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project

# The schemas of a workflow that are nobody else's business, unless it has no others.
_OWN_SCHEMAS = ("raw", "staging", "rejected")
_OF_LIBRARY = "dataflow"


@dataclass(frozen=True)
class UpstreamTable:
    """A table or view of another workflow, with its columns and their types, in order."""

    workflow_id: str
    schema: str
    name: str
    columns: Mapping[str, str]


def upstream_files(project: Project, workflow_id: str, upstreams: Iterable[str]) -> dict[str, Path]:
    """Where a run of a workflow finds the tables of others, by their ids; the files need not be."""
    folder = project.data_dir / STATES_FOLDER / workflow_id / "upstream"
    return {name: folder / project.warehouse_file(name).name for name in upstreams}


def hold_upstream_tables(project: Project, workflow_id: str, upstreams: Iterable[str]) -> None:
    """Let a run that begins see the tables of other workflows as they are now.

    Raises:
        WarehouseError: A file cannot be read, or another program writes it.
    """
    for name, target in upstream_files(project, workflow_id, upstreams).items():
        warehouse = visible_warehouse(project, name)
        target.unlink(missing_ok=True)
        if not isinstance(warehouse, AtomicDuckDBFile) or not warehouse.exists():
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _hold(warehouse.path, target, is_replaced=project.settings.all_or_nothing)
        except OSError as error:
            raise warehouse_fault(warehouse.path, error) from error


def release_upstream_tables(project: Project, workflow_id: str) -> None:
    """Let go of what a run has held."""
    folder = project.data_dir / STATES_FOLDER / workflow_id / "upstream"
    shutil.rmtree(folder, ignore_errors=True)


def attach_upstream_tables(connection: DuckDBPyConnection, files: Mapping[str, Path]) -> None:
    """Let a connection read the tables of other workflows as ``<id>.<schema>.<table>``."""
    for name, path in files.items():
        if path.exists():
            database = quote_identifier(name)
            connection.execute(
                f"ATTACH IF NOT EXISTS {quote_literal(path)} AS {database} (READ_ONLY)"
            )


def tables_for_others(workflow_id: str, file: Path) -> list[UpstreamTable]:
    """The tables of a workflow that others read: of each name one, those of ``marts`` first.

    Raises:
        WarehouseError: The file cannot be read.
    """
    with open_database(file, read_only=True) as connection:
        found = read_tables(connection, workflow_id)
    others = [each for each in found if each.schema not in _OWN_SCHEMAS] or [
        each for each in found if each.schema == "raw"
    ]
    others.sort(key=lambda each: (each.schema != "marts", each.schema, each.name))
    by_name: dict[str, UpstreamTable] = {}
    for each in others:
        by_name.setdefault(each.name.lower(), each)
    return list(by_name.values())


def read_tables(
    connection: DuckDBPyConnection, workflow_id: str, database: str = ""
) -> Sequence[UpstreamTable]:
    """All tables and views of a database that a connection knows; without a name of its own one."""
    rows = connection.execute(
        "SELECT schema_name, table_name, list(column_name ORDER BY column_index), "
        "list(data_type ORDER BY column_index) FROM duckdb_columns() WHERE NOT internal "
        "AND database_name = coalesce(nullif(?, ''), current_database()) AND schema_name <> ? "
        "GROUP BY ALL ORDER BY ALL",
        [database, _OF_LIBRARY],
    ).fetchall()
    return [
        UpstreamTable(workflow_id, schema, name, dict(zip(columns, types, strict=True)))
        for schema, name, columns, types in rows
    ]


def _hold(live: Path, target: Path, *, is_replaced: bool) -> None:
    resolved = live.resolve()
    if any(path.with_name(f"{path.name}.wal").exists() for path in (live, resolved)):
        # What a writer that was killed has left belongs into the file.
        with open_database(live) as connection:
            connection.execute("CHECKPOINT")
    if is_replaced:
        try:
            os.link(resolved, target)
        except OSError:
            # This file system has no hard links, or the two are on different ones.
            pass
        else:
            return
    # While it is open for reading, nobody can write it.
    with open_database(live, read_only=True):
        copy_file(resolved, target)
