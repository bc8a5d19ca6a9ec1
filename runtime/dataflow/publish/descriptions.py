"""What dbt's descriptions and the contract say of a workflow's columns, for pages to show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from dataflow.shared.project import Project
from dataflow.shared.sql import quote_literal

DESCRIPTIONS_TABLE = "descriptions"


# What templates before 0.2 wrote where nobody had described a column: it says nothing.
_FILLER = re.compile(r"The source's column .+\.")


def is_description(text: str) -> bool:
    """Whether a text that stands as a column's description says anything.

    >>> is_description("The source's column day."), is_description("When the parcel was paid.")
    (False, True)
    """
    return bool(text.strip()) and not _FILLER.fullmatch(" ".join(text.split()))


def descriptions_query(
    project: Project, workflow_id: str, units: Mapping[str, str] | None = None
) -> str:
    """A query for what is known of columns: table_name, column_name, description, unit.

    Descriptions are taken from the project that dbt parsed last, so they are those of the tables
    that it built. Columns that have only a unit have no table: it holds wherever they are.

    Args:
        units: What columns' numbers count, by the column's name in small letters.
    """
    path = project.state_dir / "dbt" / workflow_id / "target" / "manifest.json"
    units = units or {}
    described = _described_columns(path)
    named = {name.lower() for _, name, _ in described}
    rows = [(*row, units.get(row[1].lower(), "")) for row in described]
    rows += [("", name, "", unit) for name, unit in units.items() if name not in named]
    # Literals: an Arrow table or a parameter would make DuckDB import pandas.
    # VALUES wants a row at least: the first one has no column.
    values = ", ".join(
        f"({', '.join(map(quote_literal, row))})" for row in [("", "", "", ""), *rows]
    )
    columns = "(table_name, column_name, description, unit)"
    return f"SELECT * FROM (VALUES {values}) AS described {columns} WHERE column_name != ''"  # noqa: S608


def _described_columns(path: Path) -> list[tuple[str, str, str]]:
    try:
        nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"].values()
    except (OSError, ValueError, KeyError):
        return []
    described = [
        (node["alias"], column["name"], " ".join(column["description"].split()))
        for node in nodes
        if node["resource_type"] == "model"
        for column in node["columns"].values()
    ]
    return [row for row in described if is_description(row[2])]
