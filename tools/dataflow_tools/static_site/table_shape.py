"""What a published table is like, for the page to show; decided as for Evidence's pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow_tools.inspection.aggregation import aggregate_of
from dataflow_tools.inspection.measures import best_period
from dataflow_tools.inspection.page_facts import page_facts
from dataflow_tools.inspection.profile import profile_columns
from dataflow_tools.inspection.questions import Questions
from dataflow_tools.inspection.roles import best_date, role_of
from dataflow_tools.static_site.measure import Measure

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

# Text with more values than that says nothing as bars, of which the largest are shown.
_MOST_GROUPS = 5000
_MOST_MEASURES = 4
_MOST_CATEGORIES = 8
_MOST_PLACES = 2
_MOST_ANSWERS = 6
_MOST_DOTS = 1000
_MOST_TEXTS = 2
# The longest periods, in days, that are drawn by the day, the week and the month.
_LONGEST = {"day": 180, "week": 1100, "month": 11_000}
_GRAINS = ("month", "year")
# Beyond these a number with fractions is not a whole one for certain.
_EXACT = 2**53
_PUBLISHED_AS = {"DOUBLE": "::BIGINT", "VARCHAR": "::JSON"}


@dataclass(frozen=True)
class Place:
    """Two columns of coordinates, and from where to where they go: west, south, east, north."""

    latitude: str
    longitude: str
    extent: tuple[float, float, float, float]
    count: int

    @property
    def is_crowded(self) -> bool:
        """Whether places that lie close together are drawn as one."""
        return self.count > _MOST_DOTS


@dataclass(frozen=True)
class Answers:
    """A column of answers to a question, and its scale from one end to the other, if known."""

    name: str
    scale: list[str]
    is_score: bool


@dataclass(frozen=True)
class TableShape:
    """What a page can show of a table.

    Args:
        columns: All columns, in their order.
        date: The column that rows are placed in time by.
        grain: How long a period of the lines is: ``day``, ``week``, ``month``, ``quarter`` or
            ``year``.
        has_times: The date has hours and minutes.
        is_periodic: Every date is the first day of its period, as where data come by the month.
        measures: The share of rows that succeeded is one of them, if the data tell it.
        categories: Columns that group rows, with at most 50 values, and countries.
        groups: Other texts that group rows.
        label: The text that names each row, where there is one row for each.
        period: What the date names, where it is a text such as 2024-Q1.
        has_clock: The hours of the date are worth a look.
        is_series: There is one row for each date: their number tells nothing.
        kinds: The category whose amounts are against each other, and never added up.
        whole: Columns of whole numbers.
        texts: Columns of texts that are read one by one.
    """

    columns: list[str]
    date: str | None
    grain: str
    has_times: bool
    is_periodic: bool
    measures: list[Measure]
    categories: list[str]
    groups: list[str]
    label: str | None
    period: str = ""
    has_clock: bool = False
    is_series: bool = False
    kinds: str | None = None
    whole: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    answers: list[Answers] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def totals(self) -> list[Measure]:
        """The measures that all rows together have a value of."""
        return [one for one in self.measures if not (self.kinds and one.aggregate == "sum")]


def shape_of(
    connection: duckdb.DuckDBPyConnection, file: Path, primary_key: list[str]
) -> TableShape | None:
    """Look at a published table; None if it has no rows to tell by.

    Args:
        primary_key: Names of the columns that identify a row.
    """
    names = _register(connection, file)
    profiles = profile_columns(connection, names)
    if not profiles or not profiles[0].rows:
        return None
    # A dollar sign before a name makes it a parameter in a specification.
    drawn = [column for column in profiles if not column.name.startswith("$")]
    dated = [column for column in drawn if column.name != "processed_at"]
    questions = Questions(connection)
    date = best_date(dated) or best_period(questions, dated)
    roles = questions.each(
        drawn,
        lambda column: role_of(questions, column, date, primary_key) if column.distinct > 1 else "",
    )
    facts = page_facts(questions, drawn, roles, primary_key)
    called = {column.identifier: column.name for column in drawn}
    known = list(zip(drawn, roles, facts, strict=True))
    told = next((more for column, _, more in known if column is date), {})
    period = told.get("period", "")
    grain, has_times, is_periodic = period, False, bool(period)
    if date and not period:
        grain, has_times, is_periodic = _time(connection, date)
    # A map that has no outlines is a ranking: the country comes first.
    categories = [column.name for column, role, _ in known if role == "category"]
    countries = {column.name for column, _, more in known if more.get("country")}
    categories.sort(key=lambda name: name not in countries)
    categories += [column.name for column, role, _ in known if role == "flag"]
    return TableShape(
        columns=[column.name for column in drawn],
        date=date.name if date else None,
        grain=grain,
        has_times=has_times,
        is_periodic=is_periodic,
        measures=_measures(known, called),
        categories=categories[:_MOST_CATEGORIES],
        groups=[
            column.name
            for column, role, more in known
            if role == "text" and not more.get("long") and _groups(column)
        ][:1],
        label=next((column.name for column, _, more in known if more.get("entity")), None),
        period=period,
        has_clock=bool(told.get("clock")),
        is_series=bool(
            date and "measure" in roles and date.name in primary_key and not told.get("irregular")
        ),
        kinds=next((column.name for column, _, more in known if more.get("kinds")), None),
        whole=[column.name for column in drawn if column.whole],
        places=[
            _place(connection, column, _named(drawn, more["longitude"]))
            for column, _, more in known
            if "longitude" in more
        ][:_MOST_PLACES],
        answers=[
            Answers(column.name, more.get("scale", []), more.get("format") == "nps")
            for column, _, more in known
            if "answers" in more
        ][:_MOST_ANSWERS],
        texts=[column.name for column, _, more in known if more.get("long")][:_MOST_TEXTS],
    )


def _register(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    """Make the table the relation ``data``, in which columns have the types from before publishing.

    Whole numbers are published as others, and lists and objects as texts.
    """
    source = f"read_parquet({quote_literal(file)})"
    described = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    kinds = {str(name): str(kind) for name, kind, *_ in described}
    tests = [_was_another(quote_identifier(name), kind) for name, kind in kinds.items()]
    found = connection.execute(f"SELECT {', '.join(tests)} FROM {source}").fetchone() or ()  # noqa: S608
    listed = ", ".join(
        f"{quote_identifier(name)}{_PUBLISHED_AS[kind] if was_another else ''} AS c{index}"
        for index, ((name, kind), was_another) in enumerate(zip(kinds.items(), found, strict=True))
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW data AS SELECT {listed} FROM {source}")  # noqa: S608
    return list(kinds)


def _was_another(column: str, kind: str) -> str:
    if kind == "DOUBLE":
        return f"bool_and({column} = trunc({column}) AND abs({column}) < {_EXACT})"
    if kind == "VARCHAR":
        return f"bool_and(left({column}, 1) IN ('[', '{{') AND json_valid({column}))"
    return "bool_and(false)"


def _measures(
    known: list[tuple[ColumnProfile, str, dict[str, Any]]], called: dict[str, str]
) -> list[Measure]:
    measures = [
        Measure(
            column.name,
            more.get("aggregate") or aggregate_of(column.identifier),
            more.get("format", ""),
            called.get(more.get("weight", ""), ""),
        )
        for column, role, more in known
        if role == "measure"
    ][:_MOST_MEASURES]
    for column, _, more in known:
        if "success" in more:
            told = more["success"]
            sql = told["sql"].replace("{column}", quote_identifier(column.name))
            measures.append(Measure(told["name"], "average", "share", sql=sql))
    return measures


def _named(profiles: list[ColumnProfile], identifier: str) -> ColumnProfile:
    return next(column for column in profiles if column.identifier == identifier)


def _place(
    connection: duckdb.DuckDBPyConnection, latitude: ColumnProfile, longitude: ColumnProfile
) -> Place:
    west, south, east, north, count = connection.execute(
        f"SELECT min({longitude.key}), min({latitude.key}), max({longitude.key}), "  # noqa: S608
        f"max({latitude.key}), count(DISTINCT ({latitude.key}, {longitude.key})) FROM data "
        f"WHERE {latitude.key} IS NOT NULL AND {longitude.key} IS NOT NULL"
    ).fetchone() or (0, 0, 0, 0, 0)
    return Place(latitude.name, longitude.name, (west, south, east, north), count)


def _groups(column: ColumnProfile) -> bool:
    return (
        column.text and 1 < column.distinct <= _MOST_GROUPS and column.distinct * 2 <= column.rows
    )


def _time(connection: duckdb.DuckDBPyConnection, date: ColumnProfile) -> tuple[str, bool, bool]:
    periodic = ", ".join(
        f"bool_and({date.key} = date_trunc({quote_literal(grain)}, {date.key}))"
        for grain in ("day", *_GRAINS)
    )
    row = connection.execute(
        f"SELECT date_diff('day', min({date.key}), max({date.key})), {periodic} FROM data"  # noqa: S608
    ).fetchone()
    length, whole_days, monthly, yearly = row or (0, True, False, False)
    grain = next((name for name, days in _LONGEST.items() if length <= days), "year")
    if yearly:
        grain = "year"
    elif monthly and grain in ("day", "week"):
        grain = "month"
    is_periodic = (grain == "month" and monthly) or (grain == "year" and yearly)
    return grain, not whole_days, is_periodic
