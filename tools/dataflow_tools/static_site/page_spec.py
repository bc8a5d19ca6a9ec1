"""What a page shows of a table: a specification for Mosaic, and headings and numbers around it.

A selection named ``filter`` joins the parts: the menus and the brush on a chart narrow all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal

if TYPE_CHECKING:
    from dataflow_tools.static_site.table_shape import Measure, TableShape

# How many of the largest groups are shown.
LARGEST = 15
_RELATION = "shown"
_WHOLE = "whole_periods"
_FILTER = {"filterBy": "$filter"}
# Columns of the page's own have names that no column of a model has.
_PERIOD = "(period)"
_CALENDAR = "(calendar)"
_NONE = "(none)"
# The browser's engine knows no week.
_LENGTHS = {
    "day": "INTERVAL 1 day",
    "week": "INTERVAL 7 day",
    "month": "INTERVAL 1 month",
    "year": "INTERVAL 1 year",
}
_SIZE = {"width": 540, "marginLeft": 50, "marginRight": 20}


def page_of(name: str, shape: TableShape) -> dict[str, Any]:
    """All that a page needs to show one table, as JSON.

    Returns:
        ``load`` is the SQL that makes the relation ``relation`` of the view ``published``, with
        ``{published_at}`` where the time of publishing is to stand; ``sections`` has for each part
        of ``spec`` its heading and, where the largest groups of a column are shown, that column;
        ``cards`` are totals.
    """
    parts = [*_menus(shape), *_over_time(shape), *_largest(shape), *_entities(shape)]
    if not shape.date:
        parts += [_histogram(measure) for measure in shape.measures]
    parts.append(_rows(shape))
    return {
        "name": name,
        "relation": _RELATION,
        "load": _load(shape),
        "cards": [{"label": "Rows", "sql": "count(*)"}, *map(_card, shape.measures)],
        "sections": [{key: part[key] for key in part if key != "view"} for part in parts],
        "spec": {
            "params": {"filter": {"select": "crossfilter"}},
            "vconcat": [part["view"] for part in parts],
        },
    }


def _load(shape: TableShape) -> str:
    added = [
        f"coalesce({quote_identifier(name)}::VARCHAR, {quote_literal(_NONE)}) AS {_group(name)}"
        for name in (*shape.categories, *shape.groups)
    ]
    if shape.date:
        date = quote_identifier(shape.date)
        calendar = f"coalesce(strftime({date}, '{_calendar(shape)[1]}'), {quote_literal(_NONE)})"
        added += [
            f"{_whole_period(shape, date)} AS {quote_identifier(_PERIOD)}",
            f"{calendar} AS {quote_identifier(_CALENDAR)}",
        ]
    columns = ", ".join(["published.*", *added])
    if not shape.date:
        return f"CREATE TABLE {_RELATION} AS SELECT {columns} FROM published"  # noqa: S608
    known = f"SELECT min({date}) AS _first, max({date}) AS _last FROM published"  # noqa: S608
    return (
        f"CREATE TABLE {_RELATION} AS SELECT {columns} FROM published, ({known}) AS _known; "  # noqa: S608
        f"CREATE VIEW {_WHOLE} AS SELECT * FROM {_RELATION} "
        f"WHERE {quote_identifier(_PERIOD)} IS NOT NULL"
    )


def _whole_period(shape: TableShape, date: str) -> str:
    """The first moment of a row's period; null if the data lack some of that period."""
    grain = shape.grain
    period = f"date_trunc('{grain}', {date})"
    if shape.is_periodic:
        return period
    first_day, after_last = "date_trunc('day', _first)", "date_trunc('day', _last) + INTERVAL 1 day"
    if shape.has_times:
        # The day on which it was published was not over.
        published = "date_trunc('day', TIMESTAMP '{published_at}')"
        after_last = f"least({after_last}, {published})"
    return (
        f"CASE WHEN {period} >= {first_day} AND {period} + {_LENGTHS[grain]} <= {after_last} "
        f"THEN {period} END"
    )


def _calendar(shape: TableShape) -> tuple[str, str]:
    """What the menu of periods offers: its label, and the format of its entries."""
    return ("Month", "%Y-%m") if shape.grain in ("day", "week") else ("Year", "%Y")


def _group_column(name: str) -> str:
    return f"(group) {name}"


def _group(name: str) -> str:
    return quote_identifier(_group_column(name))


def _menus(shape: TableShape) -> list[dict[str, Any]]:
    menus = [
        {
            "input": "menu",
            "label": _title(name),
            "as": "$filter",
            "from": _RELATION,
            "column": _group_column(name),
        }
        for name in shape.categories
    ]
    if shape.date:
        names = {"label": _calendar(shape)[0], "column": _CALENDAR}
        menus.append({"input": "menu", "as": "$filter", "from": _RELATION, **names})
    return [{"heading": "", "wide": True, "view": {"hconcat": menus}}] if menus else []


def _over_time(shape: TableShape) -> list[dict[str, Any]]:
    if not shape.date:
        return []
    lines = [("Rows", {"count": ""}), *((_label(m), _value(m)) for m in shape.measures)]
    return [
        {
            "heading": f"{title} by {shape.grain}, whole {shape.grain}s only",
            "view": {
                "plot": [
                    {
                        "mark": "lineY",
                        "data": {"from": _WHOLE, **_FILTER},
                        "x": _PERIOD,
                        "y": value,
                        "stroke": "#2563eb",
                        "marker": "dot",
                    },
                    {"select": "intervalX", "as": "$filter"},
                ],
                **_SIZE,
                "height": 200,
                "xLabel": None,
                "yLabel": None,
                "yTickFormat": "~s",
                "yGrid": True,
                "yZero": True,
            },
        }
        for title, value in lines
    ]


def _largest(shape: TableShape) -> list[dict[str, Any]]:
    measures: list[tuple[str, dict[str, str]]] = [("Rows", {"count": ""})]
    measures += [(_label(measure), _value(measure)) for measure in shape.measures]
    return [
        {
            "heading": f"{title} by {name}",
            "groups": _group(name),
            "largest": LARGEST,
            "view": _bars(_group_column(name), value),
        }
        for name in (*shape.categories, *shape.groups)
        for title, value in measures
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
            "view": _bars(shape.label, {"max": measure.name}),
        }
        for measure in shape.measures
    ]


def _bars(column: str, value: dict[str, str]) -> dict[str, Any]:
    return {
        "plot": [
            {
                "mark": "barX",
                "data": {"from": _RELATION, **_FILTER},
                "x": value,
                "y": column,
                "fill": "#2563eb",
                "sort": {"y": "-x", "limit": LARGEST},
            }
        ],
        **_SIZE,
        "marginLeft": 150,
        "xLabel": None,
        "yLabel": None,
        "xTickFormat": "~s",
        "xGrid": True,
    }


def _histogram(measure: Measure) -> dict[str, Any]:
    return {
        "heading": f"How {measure.name} is distributed",
        "view": {
            "plot": [
                {
                    "mark": "rectY",
                    "data": {"from": _RELATION, **_FILTER},
                    "x": {"bin": measure.name},
                    "y": {"count": ""},
                    "fill": "#2563eb",
                    "inset": 0.5,
                },
                {"select": "intervalX", "as": "$filter"},
            ],
            **_SIZE,
            "height": 200,
            "xLabel": None,
            "yLabel": "Rows",
            "xTickFormat": "~s",
        },
    }


def _rows(shape: TableShape) -> dict[str, Any]:
    table = {"input": "table", "from": _RELATION, "columns": shape.columns}
    return {"heading": "All rows", "wide": True, "view": {**table, **_FILTER, "height": 420}}


def _card(measure: Measure) -> dict[str, str]:
    function = "sum" if measure.aggregate == "sum" else "avg"
    return {"label": _label(measure), "sql": f"{function}({quote_identifier(measure.name)})"}


def _value(measure: Measure) -> dict[str, str]:
    return {"sum" if measure.aggregate == "sum" else "avg": measure.name}


def _label(measure: Measure) -> str:
    return f"{'Total' if measure.aggregate == 'sum' else 'Average'} {measure.name}"


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
