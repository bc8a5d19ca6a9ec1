"""The tables of the workflows that one comes after, as a dry run of it finds them: without rows.

They are what the dry run of those has made, by their code as it is now, where the check has tried
them; else what their last good run has left. So a column that is to go is missed before any run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dataflow.modelling.upstream_columns import changes_used
from dataflow.shared.finding import Finding
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.upstream_tables import UpstreamTable, noted_columns, read_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dataflow.modelling.model_graph import ModelGraph
    from dataflow.shared.project import Project

# The name by which the views of a dry run's database know it.
_TRIED = "dry_run"


def upstream_without_rows(
    project: Project,
    folder: Path,
    upstream: Mapping[str, Path | None],
    graph: ModelGraph,
) -> tuple[dict[str, Path], bool]:
    """Copies of the tables of other workflows, without rows.

    Args:
        folder: Where to write them.
        upstream: The workflows, with the database of their dry run where there was one.
        graph: The models that read the tables.

    Returns:
        The files, by the workflows' ids, and whether the columns of all that models read are known.
    """
    files: dict[str, Path] = {}
    are_known = True
    for name, tried in upstream.items():
        files[name] = folder / "upstream" / f"without_rows_{name}.duckdb"
        sources = [(tried, _TRIED), (project.warehouse_file(name), name)]
        read = [each for model in graph.models for each in model.upstream if each[0] == name]
        found = _copy(files[name], [(path, known) for path, known in sources if path], read)
        are_known = are_known and (found or not read)
    return files, are_known


def changed_upstream(
    warehouse: Path, files: Mapping[str, Path], graph: ModelGraph
) -> list[Finding]:
    """The columns that the models use and that have changed since their last good run."""
    import duckdb

    if not warehouse.is_file() or not files:
        return []
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            before = noted_columns(connection)
    except duckdb.Error:
        # In use by a run, or damaged, which doctor says.
        return []
    now: list[UpstreamTable] = []
    for name, path in files.items():
        with duckdb.connect(str(path), read_only=True) as connection:
            now += read_tables(connection, name)
    told = "See that the model still fits, then run both workflows: a run notes what it has read."
    return [
        Finding(f"The model {model.relation[1]} reads what has changed: {change}", told, "models")
        for change, model in changes_used(graph, before, now)
    ]


def _copy(
    target: Path, sources: Iterable[tuple[Path, str]], read: Sequence[tuple[str, str, str]]
) -> bool:
    """Make a database with the tables of the first source that has any; false if none has.

    Then it has those that models read, with a column of no meaning, so that dbt can parse them.
    """
    import duckdb

    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f"{target.name}*"):
        leftover.unlink()
    with duckdb.connect(str(target)) as connection:
        for path, known_as in sources:
            if not path.is_file():
                continue
            database = quote_identifier(known_as)
            try:
                connection.execute(f"ATTACH {quote_literal(path)} AS {database} (READ_ONLY)")
            except duckdb.Error:
                continue
            tables = read_tables(connection, "", known_as)
            for table in tables:
                where = f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(table.schema)}")
                with suppress(duckdb.Error):  # a view of a table that is gone
                    connection.execute(
                        f"CREATE TABLE {where} AS SELECT * FROM {database}.{where} LIMIT 0"  # noqa: S608
                    )
            connection.execute(f"DETACH {database}")
            if tables:
                return True
        for _, schema, name in read:
            where = quote_identifier(schema or "marts")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {where}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {where}.{quote_identifier(name)} (unknown INTEGER)"
            )
    return False
