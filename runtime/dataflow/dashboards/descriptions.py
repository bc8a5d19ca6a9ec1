"""What dbt's descriptions say of a workflow's columns, for pages to show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.shared.project import Project

__all__ = ["DESCRIPTIONS_TABLE", "descriptions_query"]

DESCRIPTIONS_TABLE = "descriptions"
_VIEW = "described_columns"


def descriptions_query(session: DuckDBPyConnection, project: Project, workflow_id: str) -> str:
    """A query for the described columns of all models: table_name, column_name, description.

    They are taken from the project that dbt parsed last, so they are those of the tables that it
    built. Without one there are no rows.
    """
    import pyarrow as pa

    rows = _described_columns(project, workflow_id)
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    session.register(_VIEW, pa.table(arrays, ["table_name", "column_name", "description"]))
    return f"SELECT * FROM {_VIEW}"  # noqa: S608 - a name of ours


def _described_columns(project: Project, workflow_id: str) -> list[tuple[str, str, str]]:
    path = project.state_dir / "dbt" / workflow_id / "target" / "manifest.json"
    try:
        nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"].values()
    except (OSError, ValueError, KeyError):
        return []
    return [
        (node["alias"], column["name"], " ".join(column["description"].split()))
        for node in nodes
        if node["resource_type"] == "model"
        for column in node["columns"].values()
        if column.get("description", "").strip()
    ]
