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

from dataflow.shared.shown import quoted
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


# What a run notes of the tables that it read, beside its own.
_NOTES = "dataflow.upstream_columns"


@dataclass(frozen=True)
class ColumnChange:
    """A column that another workflow has changed since this one last read it.

    Args:
        before: Its type when it was read.
        now: Its type now; empty if it is gone.
    """

    table: UpstreamTable
    column: str
    before: str
    now: str

    def __str__(self) -> str:
        where = f"{quoted(self.column)} of {self.table}"
        if not self.now:
            return f"{where} is gone; it was {self.before} when it was last read."
        return f"{where} is {self.now} now; it was {self.before} when it was last read."


@dataclass(frozen=True)
class UpstreamTable:
    """A table or view of another workflow, with its columns and their types, in order."""

    workflow_id: str
    schema: str
    name: str
    columns: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.workflow_id}.{self.schema}.{self.name}"


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
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise warehouse_fault(target, error) from error
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


def note_columns(connection: DuckDBPyConnection, tables: Iterable[UpstreamTable]) -> None:
    """Keep, with a workflow's own tables, which columns the tables of others had for its run."""
    rows = [
        (table.workflow_id, table.schema, table.name, column, kind)
        for table in tables
        for column, kind in table.columns.items()
    ]
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS {_OF_LIBRARY}; CREATE OR REPLACE TABLE {_NOTES} "
        "(workflow_id VARCHAR, schema_name VARCHAR, table_name VARCHAR, column_name VARCHAR, "
        "data_type VARCHAR)"
    )
    if rows:
        connection.executemany(f"INSERT INTO {_NOTES} VALUES (?, ?, ?, ?, ?)", rows)


def noted_columns(connection: DuckDBPyConnection) -> list[UpstreamTable]:
    """The tables of other workflows as the last run read them; none before the first such run."""
    schema, _, name = _NOTES.partition(".")
    is_there = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = ? AND table_name = ?",
        [schema, name],
    ).fetchone()
    if not is_there:
        return []
    rows = connection.execute(
        "SELECT workflow_id, schema_name, table_name, list(column_name ORDER BY rowid), "
        f"list(data_type ORDER BY rowid) FROM {_NOTES} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [
        UpstreamTable(workflow_id, schema, name, dict(zip(columns, types, strict=True)))
        for workflow_id, schema, name, columns, types in rows
    ]


def changed_columns(
    before: Iterable[UpstreamTable], now: Iterable[UpstreamTable]
) -> list[ColumnChange]:
    """The columns of tables that are gone or have another type; new ones harm nobody."""
    present = {str(table): table.columns for table in now}
    return [
        ColumnChange(table, column, kind, present[str(table)].get(column, ""))
        for table in before
        if str(table) in present
        for column, kind in table.columns.items()
        if present[str(table)].get(column) != kind
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
