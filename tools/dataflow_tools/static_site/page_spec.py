"""What a page shows of a table: a specification for Mosaic, and headings and numbers around it.

A selection named ``filter`` joins the parts: the menus and the brush on a chart narrow all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier
from dataflow_tools.static_site.clock_parts import clock_parts
from dataflow_tools.static_site.distribution_parts import distribution_parts
from dataflow_tools.static_site.page_relation import (
    CALENDAR,
    PERIOD,
    RELATION,
    WHOLE,
    calendar_of,
    group_column,
    load_statement,
)
from dataflow_tools.static_site.place_parts import place_parts
from dataflow_tools.static_site.plots import COLOUR, LARGEST, LEGEND, SIZE, bars, rows_of
from dataflow_tools.static_site.survey_parts import survey_parts

if TYPE_CHECKING:
    from dataflow_tools.static_site.table_shape import TableShape


_MOST_RANKED = 3


def page_of(name: str, shape: TableShape) -> dict[str, Any]:
    """All that a page needs to show one table, as JSON.

    Returns:
        ``load`` is the SQL that makes the relation ``relation`` of the view ``published``, with
        ``{published_at}`` where the time of publishing is to stand; ``sections`` has for each part
        of ``spec`` its heading and, where the largest groups of a column are shown, that column,
        and SQL: ``order`` for the values of its axis, ``numbers`` for one row and ``rows`` for
        several that stand beside it, of what meets ``{condition}``; ``cards`` are totals.
    """
    parts = [
        *_menus(shape),
        *_over_time(shape),
        *clock_parts(shape),
        *place_parts(shape),
        *_largest(shape),
        *_entities(shape),
        *survey_parts(shape),
        *distribution_parts(shape),
        _rows(shape),
    ]
    return {
        "name": name,
        "relation": RELATION,
        "load": load_statement(shape),
        "cards": _cards(shape),
        "sections": [{key: part[key] for key in part if key != "view"} for part in parts],
        "spec": {
            "params": {"filter": {"select": "crossfilter"}},
            "vconcat": [part["view"] for part in parts],
        },
    }


def _menus(shape: TableShape) -> list[dict[str, Any]]:
    menus = [
        {
            "input": "menu",
            "label": _title(name),
            "as": "$filter",
            "from": RELATION,
            "column": group_column(name),
        }
        for name in shape.categories
    ]
    if shape.date:
        names = {"label": calendar_of(shape)[0], "column": CALENDAR}
        menus.append({"input": "menu", "as": "$filter", "from": RELATION, **names})
    return [{"heading": "", "wide": True, "view": {"hconcat": menus}}] if menus else []


def _over_time(shape: TableShape) -> list[dict[str, Any]]:
    if not shape.date:
        return []
    lines: list[tuple[str, dict[str, Any], str, bool]] = []
    if not shape.is_series:
        lines.append(("Rows", {"count": ""}, "~s", False))
    lines += [
        (one.label, one.value(), one.ticks, one not in shape.totals()) for one in shape.measures
    ]
    return [
        {
            "heading": f"{title} by {shape.grain}, whole {shape.grain}s only",
            "view": _line(value, ticks, group_column(shape.kinds or "") if is_apart else ""),
        }
        for title, value, ticks, is_apart in lines
    ]


def _line(value: dict[str, Any], ticks: str, apart: str) -> dict[str, Any]:
    mark = {
        "mark": "lineY",
        "data": rows_of(WHOLE),
        "x": PERIOD,
        "y": value,
        "stroke": apart or COLOUR,
        "marker": "dot",
    }
    marks: list[dict[str, Any]] = [mark, {"select": "intervalX", "as": "$filter"}]
    return {
        "plot": [*marks, LEGEND] if apart else marks,
        **SIZE,
        "height": 200,
        "xLabel": None,
        "yLabel": None,
        "yTickFormat": ticks,
        "yGrid": True,
        "yZero": True,
    }


def _largest(shape: TableShape) -> list[dict[str, Any]]:
    answered = {answers.name for answers in shape.answers}
    ranked = [name for name in shape.categories if name not in answered][:_MOST_RANKED]
    counted: list[tuple[str, dict[str, Any], str]] = [("Rows", {"count": ""}, "~s")]
    return [
        {
            "heading": f"{title} by {name}",
            "groups": quote_identifier(group_column(name)),
            "largest": LARGEST,
            "view": bars(group_column(name), value, ticks),
        }
        for name in (*ranked, *shape.groups)
        for title, value, ticks in [
            *counted,
            *(
                (one.label, one.value(), one.ticks)
                for one in (shape.measures if name == shape.kinds else shape.totals())
            ),
        ]
    ]


def _entities(shape: TableShape) -> list[dict[str, Any]]:
    """The rows with the largest values, where each row is a thing with a name."""
    if shape.label is None:
        return []
    return [
        {
            "heading": f"{_title(shape.label)} with the largest {measure.name}",
            "groups": quote_identifier(shape.label),
            "largest": LARGEST,
            "view": bars(shape.label, {"max": measure.column}, measure.ticks),
        }
        for measure in shape.measures
    ]


def _rows(shape: TableShape) -> dict[str, Any]:
    table = {"input": "table", **rows_of(), "columns": shape.columns}
    return {"heading": "All rows", "wide": True, "view": {**table, "height": 420}}


def _cards(shape: TableShape) -> list[dict[str, str]]:
    cards = [{"label": "Rows", "sql": "count(*)"}]
    for measure in shape.totals():
        is_share = measure.format == "share"
        unit = " (%)" if is_share or measure.format == "percent" else ""
        value = measure.value_sql()
        cards.append(
            {"label": f"{measure.label}{unit}", "sql": f"100 * ({value})" if is_share else value}
        )
    return cards


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
