"""The tables of a warehouse without their rows, as a dry run works on them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import visible_warehouse
from dataflow.warehouse.upstream_tables import UpstreamTable, read_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project


def copy_columns(
    connection: DuckDBPyConnection, project: Project, workflow_id: str
) -> dict[str, list[str]]:
    """Make every table of a workflow's warehouse that a load or people made, without rows.

    Returns:
        Their columns, by schema and name. None where the warehouse is in use, or cannot be read,
        which `doctor` says.
    """
    warehouse = visible_warehouse(project, workflow_id)
    copied: Sequence[UpstreamTable]
    if isinstance(warehouse, DuckDBFile):
        # Not opened by itself: that waits for a run that has it open.
        copied = copy_file_columns(connection, warehouse.path, workflow_id)
    else:
        try:
            if not warehouse.exists():
                return {}
            with warehouse.connect(read_only=True) as other:
                copied = list(read_tables(other, workflow_id))
        except DataflowError:
            return {}
        for table in copied:
            _make(connection, table, _described(table))
    return {f"{table.schema}.{table.name}": list(table.columns) for table in copied}


def copy_file_columns(
    connection: DuckDBPyConnection, path: Path, known_as: str
) -> Sequence[UpstreamTable]:
    """Make every table of a DuckDB file without rows; none of a file that cannot be read.

    Args:
        known_as: The name by which the file's views know it.
    """
    import duckdb

    if not path.is_file():
        return []
    database = quote_identifier(known_as)
    try:
        connection.execute(f"ATTACH {quote_literal(path)} AS {database} (READ_ONLY)")
    except duckdb.Error:
        # In use by a run, or damaged.
        return []
    try:
        tables = read_tables(connection, "", known_as)
        for table in tables:
            name = f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"
            _make(connection, table, f"AS SELECT * FROM {database}.{name} LIMIT 0")  # noqa: S608
    finally:
        connection.execute(f"DETACH {database}")
    return tables


def columns_of(connection: DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of each table and view that a dry run has made."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) "
        "FROM duckdb_columns() WHERE NOT internal "
        "AND database_name = current_database() GROUP BY ALL"
    ).fetchall()
    return dict(rows)


def _make(connection: DuckDBPyConnection, table: UpstreamTable, how: str) -> None:
    import duckdb

    schema, name = quote_identifier(table.schema), quote_identifier(table.name)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    with suppress(duckdb.Error):  # a view of a table that is gone, a type that is not known here
        connection.execute(f"CREATE TABLE {schema}.{name} {how}")


def _described(table: UpstreamTable) -> str:
    columns = (f"{quote_identifier(name)} {kind}" for name, kind in table.columns.items())
    return f"({', '.join(columns)})"
