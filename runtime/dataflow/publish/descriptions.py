"""What dbt's descriptions say of a workflow's columns, for pages to show."""

from __future__ import annotations

import json
from pathlib import Path

from dataflow.shared.project import Project
from dataflow.shared.sql import quote_literal

DESCRIPTIONS_TABLE = "descriptions"


def descriptions_query(project: Project, workflow_id: str) -> str:
    """A query for the described columns of all models: table_name, column_name, description.

    They are taken from the project that dbt parsed last, so they are those of the tables that it
    built. Without one there are no rows.
    """
    path = project.state_dir / "dbt" / workflow_id / "target" / "manifest.json"
    # Literals: an Arrow table or a parameter would make DuckDB import pandas.
    # VALUES wants a row at least: the first one has no table.
    rows = [("", "", ""), *_described_columns(path)]
    values = ", ".join(f"({', '.join(map(quote_literal, row))})" for row in rows)
    columns = "(table_name, column_name, description)"
    return f"SELECT * FROM (VALUES {values}) AS described {columns} WHERE table_name != ''"  # noqa: S608


def _described_columns(path: Path) -> list[tuple[str, str, str]]:
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
