"""The tables of other workflows as one run sees them: the same from its first step to its last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted
from dataflow.warehouse.held_file import HeldFile
from dataflow.warehouse.kind import ReadByOthers, visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project
    from dataflow.warehouse.kind import HeldTables

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


def upstream_tables(
    project: Project, workflow_id: str, upstreams: Iterable[str]
) -> dict[str, HeldTables]:
    """Where a run of a workflow finds the tables of others, by their ids; there may be none."""
    found: dict[str, HeldTables] = {}
    for name in upstreams:
        warehouse = visible_warehouse(project, name)
        if isinstance(warehouse, ReadByOthers):
            found[name] = warehouse.held_for(project, name, workflow_id)
        else:
            found[name] = HeldFile(project.state_dir / "no_tables_for_others")
    return found


def hold_upstream_tables(project: Project, workflow_id: str, upstreams: Iterable[str]) -> None:
    """Let a run that begins see the tables of other workflows as they are now.

    Raises:
        WarehouseError: They cannot be read, or another program writes them.
    """
    for tables in upstream_tables(project, workflow_id, upstreams).values():
        tables.hold()


def release_upstream_tables(tables: Mapping[str, HeldTables]) -> None:
    """Let go of what a run has held."""
    for each in tables.values():
        each.release()


def attach_upstream_tables(
    connection: DuckDBPyConnection, tables: Mapping[str, HeldTables]
) -> None:
    """Let a connection read the tables of other workflows as ``<id>.<schema>.<table>``."""
    for name, held in tables.items():
        if held.exists():
            held.attach(connection, name)


def tables_for_others(workflow_id: str, held: HeldTables) -> list[UpstreamTable]:
    """The tables of a workflow that others read: of each name one, those of ``marts`` first.

    Raises:
        WarehouseError: They cannot be read.
    """
    with held.connect() as connection:
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
