"""The relation that a page asks: a published table with columns of the page's own beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_identifier, quote_literal

if TYPE_CHECKING:
    from dataflow_tools.static_site.table_shape import Place, TableShape

RELATION = "shown"
WHOLE = "whole_periods"
# Columns of the page's own have names that no column of a model has.
MOMENT = "(moment)"
PERIOD = "(period)"
CALENDAR = "(calendar)"
HOUR = "(hour)"
WEEKDAY = "(weekday)"
NONE = "(none)"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# The browser's engine knows no week.
_LENGTHS = {
    "day": "INTERVAL 1 day",
    "week": "INTERVAL 7 day",
    "month": "INTERVAL 1 month",
    "quarter": "INTERVAL 3 month",
    "year": "INTERVAL 1 year",
}
_CELLS = 120


def group_column(name: str) -> str:
    """The column by whose texts rows are grouped by a column."""
    return f"(group) {name}"


def answer_column(name: str) -> str:
    """The column with the texts of answers; null where none was given."""
    return f"(answer) {name}"


def place_columns(index: int) -> tuple[str, str]:
    """The columns of longitude and latitude that are drawn of a pair."""
    return f"(longitude {index})", f"(latitude {index})"


def calendar_of(shape: TableShape) -> tuple[str, str]:
    """What the menu of periods offers: its label, and the format of its entries."""
    return ("Month", "%Y-%m") if shape.grain in ("day", "week") else ("Year", "%Y")


def load_statement(shape: TableShape) -> str:
    """The SQL that makes the relation of the view ``published``.

    ``{published_at}`` in it is where the time of publishing is to stand.
    """
    added = [
        f"coalesce({_text(shape, name)}, {quote_literal(NONE)}) "
        f"AS {quote_identifier(group_column(name))}"
        for name in (*shape.categories, *shape.groups)
    ]
    added += [
        f"{_text(shape, answers.name)} AS {quote_identifier(answer_column(answers.name))}"
        for answers in shape.answers
    ]
    added += [sql for measure in shape.measures for sql in measure.added_columns()]
    for index, place in enumerate(shape.places):
        added += _place(index, place)
    if not shape.date:
        columns = ", ".join(["published.*", *added])
        return f"CREATE TABLE {RELATION} AS SELECT {columns} FROM published"  # noqa: S608
    moment = quote_identifier(MOMENT)
    added.append(
        f"coalesce(strftime({moment}, '{calendar_of(shape)[1]}'), {quote_literal(NONE)}) "
        f"AS {quote_identifier(CALENDAR)}"
    )
    if shape.has_clock:
        days = ", ".join(map(quote_literal, WEEKDAYS))
        added += [
            f"extract(hour FROM {moment})::DOUBLE AS {quote_identifier(HOUR)}",
            f"([{days}])[isodow({moment})] AS {quote_identifier(WEEKDAY)}",
        ]
    added.append(f"{_whole_period(shape, moment)} AS {quote_identifier(PERIOD)}")
    columns = ", ".join(["published.*", *added])
    dated = f"SELECT *, {_moment(shape)} AS {moment} FROM published"  # noqa: S608
    known = f"SELECT min({moment}) AS _first, max({moment}) AS _last FROM ({dated})"  # noqa: S608
    return (
        f"CREATE TABLE {RELATION} AS SELECT {columns} "  # noqa: S608
        f"FROM ({dated}) AS published, ({known}) AS _known; "
        f"CREATE VIEW {WHOLE} AS SELECT * FROM {RELATION} "
        f"WHERE {quote_identifier(PERIOD)} IS NOT NULL"
    )


def _text(shape: TableShape, name: str) -> str:
    value = quote_identifier(name)
    if name not in shape.whole:
        return f"{value}::VARCHAR"
    # Whole numbers are published with fractions, and newer data may have some.
    return (
        f"CASE WHEN {value} = trunc({value}) THEN {value}::BIGINT::VARCHAR "
        f"ELSE {value}::VARCHAR END"
    )


def _place(index: int, place: Place) -> list[str]:
    west, south, east, north = place.extent
    cell = max(east - west, north - south) / _CELLS if place.is_crowded else 0
    return [
        (f"round({value} / {cell}) * {cell}" if cell else value) + f" AS {quote_identifier(name)}"
        for name, value in zip(
            place_columns(index),
            (quote_identifier(place.longitude), quote_identifier(place.latitude)),
            strict=True,
        )
    ]


def _moment(shape: TableShape) -> str:
    """The first moment of what the date names, which may be a text such as 2024-Q1."""
    date = quote_identifier(shape.date or "")
    year = f"left({date}::VARCHAR, 4)::INTEGER"
    return {
        "month": f"make_date({year}, right({date}::VARCHAR, 2)::INTEGER, 1)",
        "quarter": f"make_date({year}, right({date}::VARCHAR, 1)::INTEGER * 3 - 2, 1)",
        # The week with 4 January is the first.
        "week": f"date_trunc('week', make_date({year}, 1, 4))::DATE "
        f"+ (right({date}::VARCHAR, 2)::INTEGER - 1) * 7",
        "year": f"make_date({date}::INTEGER, 1, 1)",
    }.get(shape.period, date)


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
