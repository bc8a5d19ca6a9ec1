"""Small tables of which the columns' roles are plain."""

from __future__ import annotations

from typing import Any

from dataflow_tools.inspection.source_inspection import Inspection


def csv_of(*columns: tuple[str, list[Any]]) -> str:
    rows = zip(*(values for _, values in columns), strict=True)
    lines = [",".join(name for name, _ in columns), *(",".join(map(str, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def roles(inspection: Inspection) -> dict[str, str]:
    return {column.profile.name: column.role for column in inspection.columns}


def shown(inspection: Inspection) -> dict[str, dict[str, Any]]:
    """What more a page is told of each column."""
    return {column.profile.name: column.shown for column in inspection.columns}


N = 60
DAYS = [f"2020-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(N)]
SHOPS = ["north", "south", "west"] * (N // 3)
AMOUNTS = [i * 1.5 for i in range(N)]
SALES = csv_of(
    ("Sale ID", [1000 + i * 7 for i in range(N)]),
    ("day", DAYS),
    ("Shop", SHOPS),
    ("Amount", AMOUNTS),
    ("zip", [10000 + i for i in range(N)]),
)
