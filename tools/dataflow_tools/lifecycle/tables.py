"""A workflow's DuckDB file under another name.

DuckDB calls a database after its file, and views name the database: each is made anew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import counted
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.capabilities import RenamesTables
from dataflow.warehouse.database import STATES_FOLDER, open_database
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.file_copy import copy_file
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project
    from dataflow_tools.lifecycle.transaction import Transaction


@dataclass
class TablesPlan:
    """What happens to a workflow's tables.

    Args:
        told: What happens, as a plan tells it.
        stays: What is not taken along.
        prepare: Adds the steps to a transaction.
    """

    told: list[tuple[str, str]] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    prepare: Callable[[Transaction], None] = lambda _: None


def plan_tables(project: Project, old: str, new: str) -> TablesPlan:
    """Plan to give a workflow's tables another workflow's name, watermarks and kept states too.

    Raises:
        BadInputError: The file is a link to somewhere else.
        WarehouseError: Another program has it open for writing.
    """
    warehouse = visible_warehouse(project, old)
    plan = TablesPlan()
    if isinstance(warehouse, RenamesTables):
        if warehouse.exists():
            there = visible_warehouse(project, new).location
            told = there if there == warehouse.location else f"{warehouse.location} -> {there}"
            plan.told.append(("tables", f"{told}; watermarks too"))
            plan.stays.append("What a failed run has left unfinished is given up.")

        def move(transaction: Transaction) -> None:
            root = str(project.root)
            back = {"root": root, "old": new, "new": old}
            transaction.begin_with("tables", back=back, root=root, old=old, new=new)

        plan.prepare = move
        return plan
    if not isinstance(warehouse, DuckDBFile):
        if warehouse.exists():
            plan.stays.append(
                f"The tables stay at {warehouse.location}: this kind of warehouse cannot rename "
                f"them. The first run of {new} makes new ones."
            )
        return plan
    source, target = project.warehouse_file(old), project.warehouse_file(new)
    if source.is_symlink():
        raise BadInputError(
            f"{project.relative(source)} is a link to {source.readlink()}.",
            "Put the file itself where the link is; the link can be made anew afterwards.",
        )
    states = source.parent / STATES_FOLDER / old
    kept = sorted(path.parent for path in states.glob(f"kept/*/{source.name}"))
    if source.exists():
        rows = ", ".join(f"{name} ({count:,})" for name, count in summary(source))
        size = f"{source.stat().st_size / 1e6:,.1f} MB"
        where = f"{project.relative(source)} -> {project.relative(target)} ({size})"
        plan.told.append(("tables", f"{where}: {rows or 'none'}; watermarks too"))
    if kept:
        plan.told.append(("states", f"{counted(len(kept), 'earlier state')} of the tables"))
    if any(states.glob(f"work*/{source.name}")):
        plan.stays.append("What a failed run has left unfinished is given up.")

    def prepare(transaction: Transaction) -> None:
        room = transaction.room / "tables"
        if source.exists():
            renamed_copy(source, room / target.name, old, new)
            transaction.replace(room / target.name, target)
        for folder in kept:
            aside = room / "kept" / folder.name
            renamed_copy(folder / source.name, aside / target.name, old, new)
            for note in folder.glob("*.json"):
                shutil.copy2(note, aside)
        if kept:
            transaction.move(room / "kept", states.parent / new / "kept")
        transaction.drop(source)
        transaction.drop(states)

    plan.prepare = prepare
    return plan


def renamed_copy(source: Path, target: Path, old: str, new: str) -> list[str]:
    """Copy a DuckDB file to a path of another name, in which its views are right.

    Returns:
        The views that could not be made anew; the next run makes those that dbt has made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.with_name(f"{source.name}.wal").exists():
        # What a writer that was killed has left belongs into the file.
        with open_database(source) as connection:
            connection.execute("CHECKPOINT")
    # While it is open for reading, nobody can write it.
    with open_database(source, read_only=True):
        copy_file(source, target)
    with open_database(target) as connection:
        left = _views_anew(connection, old, new)
        connection.execute("CHECKPOINT")
    return left


def summary(path: Path) -> list[tuple[str, int]]:
    """The tables of a file that people know, with their numbers of rows."""
    with open_database(path, read_only=True) as connection:
        names = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal "
            "AND database_name = current_database() AND schema_name <> 'dataflow' ORDER BY ALL"
        ).fetchall()
        found = []
        for schema, name in names:
            where = f"{quote_identifier(schema)}.{quote_identifier(name)}"
            row = connection.execute(f"SELECT count(*) FROM {where}").fetchone()  # noqa: S608
            found.append((f"{schema}.{name}", int(row[0]) if row else 0))
    return found


def _views_anew(connection: DuckDBPyConnection, old: str, new: str) -> list[str]:
    views = connection.execute(
        "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal "
        "AND database_name = current_database() ORDER BY ALL"
    ).fetchall()
    schemas = {
        row[0]
        for row in connection.execute(
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
        ).fetchall()
    }
    waiting = {}
    for schema, name, sql, comment in views:
        swapped = _swapped(connection, sql, old, new, schemas)
        where = f"{quote_identifier(schema)}.{quote_identifier(name)}"
        if swapped != sql:
            waiting[where] = (f"{schema}.{name}", swapped, comment)
    # One that reads another has to come after it.
    while waiting:
        made = [where for where, (_, sql, _) in waiting.items() if _made(connection, sql)]
        if not made:
            break
        for where in made:
            _, _, comment = waiting.pop(where)
            if comment:
                connection.execute(f"COMMENT ON VIEW {where} IS {quote_literal(comment)}")
    return [name for name, _, _ in waiting.values()]


def _made(connection: DuckDBPyConnection, sql: str | None) -> bool:
    import duckdb

    if sql is None:
        return False
    try:
        connection.execute(sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
    except duckdb.Error:
        return False
    return True


def _swapped(
    connection: DuckDBPyConnection, sql: str, old: str, new: str, schemas: set[str]
) -> str | None:
    """A view's statement with another name of the database; None if it cannot be read."""
    position = sql.find(" AS ")
    while position >= 0:
        query = sql[position + 4 :].strip().rstrip(";")
        row = connection.execute(f"SELECT json_serialize_sql({quote_literal(query)})").fetchone()
        tree: Any = json.loads(row[0]) if row else {"error": True}
        if not tree["error"]:
            if not _swap(tree, old, new, schemas):
                return sql
            made = connection.execute(
                f"SELECT json_deserialize_sql({quote_literal(json.dumps(tree))})"
            ).fetchone()
            return f"{sql[:position]} AS {made[0]}" if made else None
        position = sql.find(" AS ", position + 4)
    return None


def _swap(node: Any, old: str, new: str, schemas: set[str]) -> bool:
    """Change the name of the database in a parsed query; whether it was there."""
    if isinstance(node, list):
        return sum(_swap(each, old, new, schemas) for each in node) > 0
    if not isinstance(node, dict):
        return False
    found = False
    for key in ("catalog_name", "catalog"):
        if node.get(key) == old:
            node[key] = new
            found = True
    names = node.get("column_names")
    if isinstance(names, list) and len(names) > 2 and names[0] == old and names[1] in schemas:
        names[0] = new
        found = True
    return sum(_swap(each, old, new, schemas) for each in node.values()) > 0 or found
