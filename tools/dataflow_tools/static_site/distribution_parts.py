"""How numbers are spread: a histogram with a box of the middle half, and what lies outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier
from dataflow_tools.static_site.page_relation import RELATION
from dataflow_tools.static_site.plots import COLOUR, SIZE, rows_of

if TYPE_CHECKING:
    from dataflow_tools.static_site.measure import Measure
    from dataflow_tools.static_site.table_shape import TableShape

# Further from the middle half than so many times its width lies an outlier.
_REACH = 1.5


def distribution_parts(shape: TableShape) -> list[dict[str, Any]]:
    """Of each measure of a table without time; answers of people have their shares instead."""
    answered = {answers.name for answers in shape.answers}
    if shape.date:
        return []
    return [
        _distribution(measure)
        for measure in shape.measures
        if not measure.sql and measure.name not in answered
    ]


def _distribution(measure: Measure) -> dict[str, Any]:
    name = measure.name
    axis = {"xTickFormat": measure.ticks, "xLabel": None}
    histogram = {
        "plot": [
            {
                "mark": "rectY",
                "data": rows_of(),
                "x": {"bin": name},
                "y": {"count": ""},
                "fill": COLOUR,
                "inset": 0.5,
            },
            {"select": "intervalX", "as": "$filter"},
        ],
        **SIZE,
        "height": 200,
        **axis,
        "yLabel": "Rows",
    }
    lower, upper = {"quantile": [name, 0.25]}, {"quantile": [name, 0.75]}
    box = {
        "plot": [
            {
                "mark": "barX",
                "data": rows_of(),
                "x1": {"min": name},
                "x2": {"max": name},
                "fill": "#52606d",
                "insetTop": 7,
                "insetBottom": 7,
            },
            {"mark": "barX", "data": rows_of(), "x1": lower, "x2": upper, "fill": "#93c5fd"},
            {"mark": "tickX", "data": rows_of(), "x": {"median": name}, "strokeWidth": 3},
        ],
        **SIZE,
        "height": 70,
        **axis,
    }
    return {
        "heading": f"How {name} is distributed",
        "numbers": _numbers(quote_identifier(name)),
        "view": {"vconcat": [histogram, box]},
    }


def _numbers(value: str) -> str:
    reach = f"{_REACH} * (_upper - _lower)"
    return (
        f"WITH _picked AS (SELECT {value} AS _value FROM {RELATION} WHERE ({{condition}})), "  # noqa: S608
        "_quarters AS (SELECT quantile_cont(_value, 0.25) AS _lower, "
        "quantile_cont(_value, 0.75) AS _upper FROM _picked) "
        'SELECT min(_value) AS "Smallest", any_value(_lower) AS "Quarter below", '
        'median(_value) AS "Median", avg(_value) AS "Mean", '
        'any_value(_upper) AS "Quarter above", max(_value) AS "Largest", '
        f"count(*) FILTER (WHERE _value < _lower - {reach} OR _value > _upper + {reach}) "
        f'AS "Outliers (beyond {_REACH} times the middle half)", '
        'count(*) - count(_value) AS "Without a value" FROM _picked, _quarters'
    )
