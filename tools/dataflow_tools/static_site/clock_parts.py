"""At which hour and on which weekday: a part of a page for each number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow_tools.static_site.page_relation import HOUR, WEEKDAY, WEEKDAYS
from dataflow_tools.static_site.plots import LEGEND, SHADES, SIZE, rows_of

if TYPE_CHECKING:
    from dataflow_tools.static_site.table_shape import TableShape

_HOURS = list(range(24))


def clock_parts(shape: TableShape) -> list[dict[str, Any]]:
    """Hours by weekdays, as the clocks of the workflow's time zone showed them."""
    if not shape.has_clock:
        return []
    values: list[tuple[str, dict[str, Any], str, str]] = []
    if not shape.is_series:
        values.append(("Rows", {"count": ""}, "count(*)", "~s"))
    values += [(one.label, one.value(), one.value_sql(), one.ticks) for one in shape.totals()]
    return [
        {"heading": f"{title} by hour and weekday", "view": _cells(value, told, ticks)}
        for title, value, told, ticks in values
    ]


def _cells(value: dict[str, Any], told: str, ticks: str) -> dict[str, Any]:
    mark = {
        "mark": "cell",
        "data": rows_of(),
        "x": HOUR,
        "y": WEEKDAY,
        "fill": value,
        "inset": 0.5,
    }
    if "$" not in told:
        mark["title"] = {"sql": f"({told})::VARCHAR"}
    return {
        "plot": [mark, LEGEND],
        **SIZE,
        "height": 230,
        "xDomain": _HOURS,
        "yDomain": list(WEEKDAYS),
        "xLabel": "Hour",
        "yLabel": None,
        **SHADES,
        "colorTickFormat": ticks,
    }
