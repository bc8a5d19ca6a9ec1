"""What a published table is like: its date, measures, categories and key, for the page to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow_tools.inspection.aggregation import aggregate_of
from dataflow_tools.inspection.profile import profile_columns
from dataflow_tools.inspection.roles import best_date, role_of

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

# Text with more values than that says nothing as bars, of which the largest are shown.
_MOST_GROUPS = 5000
_MOST_MEASURES = 4
_MOST_CATEGORIES = 3
# The longest periods, in days, that are drawn by the day, the week and the month.
_LONGEST = {"day": 180, "week": 1100, "month": 11_000}
_GRAINS = ("month", "year")


@dataclass(frozen=True)
class Measure:
    """A column of numbers, and whether groups of rows add it up (``sum``) or average it."""

    name: str
    aggregate: str


@dataclass(frozen=True)
class TableShape:
    """What a page can show of a table.

    Args:
        columns: All columns, in their order.
        date: The column that rows are placed in time by.
        grain: How long a period of the lines is: ``day``, ``week``, ``month`` or ``year``.
        has_times: The date has hours and minutes.
        is_periodic: Every date is the first day of its period, as where data come by the month.
        categories: Columns that group rows, with at most 50 values.
        groups: Other texts that group rows.
        label: The text that names each row, where there is one row for each.
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


def shape_of(
    connection: duckdb.DuckDBPyConnection, file: Path, primary_key: list[str]
) -> TableShape | None:
    """Look at a published table; None if it has no rows to tell by.

    Args:
        primary_key: Names of the columns that identify a row.
    """
    source = f"read_parquet({quote_literal(file)})"
    names = [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
    listed = ", ".join(f"{quote_identifier(name)} AS c{i}" for i, name in enumerate(names))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW data AS SELECT {listed} FROM {source}")  # noqa: S608
    profiles = profile_columns(connection, names)
    if not profiles or not profiles[0].rows:
        return None
    # A dollar sign before a name makes it a parameter in a specification.
    drawn = [column for column in profiles if not column.name.startswith("$")]
    date = best_date([column for column in drawn if column.name != "processed_at"])
    roles = {
        column.name: role_of(connection, column, date, primary_key)
        for column in drawn
        if column.distinct > 1
    }
    grain, has_times, is_periodic = _time(connection, date) if date else ("", False, False)
    return TableShape(
        columns=[column.name for column in drawn],
        date=date.name if date else None,
        grain=grain,
        has_times=has_times,
        is_periodic=is_periodic,
        measures=[
            Measure(column.name, aggregate_of(column.identifier))
            for column in drawn
            if roles.get(column.name) == "measure"
        ][:_MOST_MEASURES],
        categories=[name for name, role in roles.items() if role in ("category", "flag")][
            :_MOST_CATEGORIES
        ],
        groups=[
            column.name for column in drawn if roles.get(column.name) == "text" and _groups(column)
        ][:1],
        label=None if date else _label(drawn, primary_key),
    )


def _groups(column: ColumnProfile) -> bool:
    return (
        column.text and 1 < column.distinct <= _MOST_GROUPS and column.distinct * 2 <= column.rows
    )


def _label(profiles: list[ColumnProfile], primary_key: list[str]) -> str | None:
    unique = [column for column in profiles if column.text and column.unique]
    if unique and unique[0].rows > _MOST_GROUPS:
        return None
    # A name says more than a key does.
    best = min(unique, key=lambda column: column.name in primary_key, default=None)
    return best.name if best else None


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
