"""Where rows lie: a part of a page for each pair of coordinates and each number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier
from dataflow_tools.static_site.page_relation import RELATION, place_columns
from dataflow_tools.static_site.plots import COLOUR, LEGEND, SHADES, SIZE, rows_of

if TYPE_CHECKING:
    from dataflow_tools.static_site.table_shape import Place, TableShape

_WIDTH = 470
_LOWEST, _HIGHEST = 200, 560


def place_parts(shape: TableShape) -> list[dict[str, Any]]:
    """Dots by longitude and latitude: as large as there are rows, and shaded by each measure."""
    return [part for index, place in enumerate(shape.places) for part in _maps(shape, index, place)]


def _maps(shape: TableShape, index: int, place: Place) -> list[dict[str, Any]]:
    name = f"{place.latitude} and {place.longitude}"
    both = f"{quote_identifier(place.latitude)} + {quote_identifier(place.longitude)}"
    numbers = (
        f'SELECT count({both}) AS "With a place", '  # noqa: S608
        f'count(*) - count({both}) AS "Without" FROM {RELATION} WHERE ({{condition}})'
    )
    values: list[tuple[str, dict[str, Any], str, str]] = []
    if not shape.label or not shape.measures:
        values.append(("Rows", {"r": {"count": ""}, "fill": COLOUR}, "count(*)", ""))
    values += [
        (one.label, {"fill": one.value(), "r": 5}, one.value_sql(), one.ticks)
        for one in shape.totals()
    ]
    maps = [
        {
            "heading": f"{title} by {name}",
            "view": _dots(index, place, drawn, _told(shape, value), ticks),
        }
        for title, drawn, value, ticks in values
    ]
    return [{**one, "numbers": numbers} if one is maps[0] else one for one in maps]


def _told(shape: TableShape, value: str) -> str:
    """What a dot says of itself; one that stands for one row has its name."""
    if not shape.label or any(place.is_crowded for place in shape.places):
        return f"({value})::VARCHAR"
    return f"any_value({quote_identifier(shape.label)}) || ': ' || ({value})::VARCHAR"


def _dots(index: int, place: Place, drawn: dict[str, Any], told: str, ticks: str) -> dict[str, Any]:
    longitude, latitude = place_columns(index)
    mark = {
        "mark": "dot",
        "data": rows_of(),
        "x": longitude,
        "y": latitude,
        "fillOpacity": 0.6,
        "stroke": "#1e3a8a",
        "strokeOpacity": 0.4,
        **drawn,
    }
    if "$" not in told:
        mark["title"] = {"sql": told}
    marks = [mark, {"select": "intervalXY", "as": "$filter"}]
    return {
        "plot": [*marks, LEGEND] if ticks else marks,
        **SIZE,
        **({**SHADES, "colorTickFormat": ticks} if ticks else {}),
        "height": _height(place),
        "rRange": [1, 7],
        "inset": 12,
        "grid": True,
        "xLabel": "Longitude",
        "yLabel": "Latitude",
    }


def _height(place: Place) -> int:
    """A degree of longitude is shorter than one of latitude, the more so the further north."""
    west, south, east, north = place.extent
    middle = math.cos(math.radians((south + north) / 2))
    across = max((east - west) * middle, 1e-9)
    return round(min(max(_WIDTH * (north - south) / across, _LOWEST), _HIGHEST))
