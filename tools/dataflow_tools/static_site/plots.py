"""What the plots of a page have in common."""

from __future__ import annotations

from typing import Any

from dataflow_tools.static_site.page_relation import RELATION

COLOUR = "#2563eb"
SIZE = {"width": 540, "marginLeft": 50, "marginRight": 20}
# How many of the largest groups are shown.
LARGEST = 15
_FILTER = {"filterBy": "$filter"}
# A part whose numbers and rows stand for themselves.
NO_PLOT = {"vspace": 1}
SHADES = {"colorScheme": "blues", "colorZero": True}
LEGEND = {"legend": "color", "label": None}


def rows_of(relation: str = RELATION) -> dict[str, str]:
    """The rows that are drawn: those that are picked."""
    return {"from": relation, **_FILTER}


def bars(
    column: str, value: dict[str, Any], ticks: str = "~s", *, is_ordered: bool = False
) -> dict[str, Any]:
    """A bar for each group, the largest first, or in the order that the part asks for."""
    mark = {"mark": "barX", "data": rows_of(), "x": value, "y": column, "fill": COLOUR}
    if not is_ordered:
        mark["sort"] = {"y": "-x", "limit": LARGEST}
    return {
        "plot": [mark],
        **SIZE,
        "marginLeft": 150,
        "xLabel": None,
        "yLabel": None,
        "xTickFormat": ticks,
        "xGrid": True,
    }
