"""What more a page needs to know of columns: percentages, weights of ratios, kinds, periods."""

from __future__ import annotations

import re
from itertools import permutations
from typing import TYPE_CHECKING

from dataflow_tools.inspection.aggregation import aggregate_of
from dataflow_tools.inspection.profile import all_values

if TYPE_CHECKING:
    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

_PERCENT = frozenset("pct percent percentage".split())  # noqa: SIM905
_SHARES = frozenset("fraction probability rate ratio share".split())  # noqa: SIM905
# Kinds of money that are set against each other: their sum means nothing.
_OPPOSED = tuple(
    frozenset(words.split())
    for words in (
        (
            "income revenue revenues sales turnover earnings credit inflow in einnahmen umsatz "
            "erlöse ertrag erträge haben recettes produits ingresos ricavi receitas inkomsten"
        ),
        (
            "cost costs expense expenses spending purchase purchases debit outflow out ausgaben "
            "kosten aufwand aufwendungen dépenses charges gastos costi despesas uitgaven"
        ),
        "budget budgeted plan planned target forecast soll prévu presupuesto preventivo",
        "actual actuals ist réel consuntivo",
        "profit margin loss refund refunds balance gewinn verlust saldo",
    )
)
# What an amount is measured in: amounts of different ones have neither a sum nor a mean.
_MEASURED_IN = re.compile(r"(.*_)?(currency|currencies)(_code)?|units?|uom|unit_of_measure")
# Text that names a period; a number does so where it is a year. The first that fits.
_PERIODS = {
    "month": r"\d{4}-(0[1-9]|1[0-2])",
    "quarter": r"\d{4}[- ]?Q[1-4]",
    "week": r"\d{4}-?W(0[1-9]|[1-4]\d|5[0-3])",
}
_YEARS = frozenset("year years yr jahr annee ano anno fiscal".split())  # noqa: SIM905
# A ratio is written with a few digits only.
_ROUNDING = 0.006
_MOST_TRIED = 8
# Of a day, if its hours are worth a look.
_FEWEST_HOURS = 4


def period_of(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    """Which period the values of a column name: month, quarter, week, year; empty if none.

    2024-03, 2024-Q1, 2024-W09 in text; years from 1800 on, in a column that is called so.
    """
    if column.distinct < 2:
        return ""
    if column.text:
        for period, pattern in _PERIODS.items():
            if all_values(connection, f"regexp_full_match({column.key}, '{pattern}')", column):
                return period
    is_named = not _YEARS.isdisjoint(column.identifier.split("_"))
    years = f"coalesce(try_cast({column.key} AS INTEGER) BETWEEN 1800 AND 2100, false)"
    if is_named and (column.text or column.whole) and all_values(connection, years, column):
        return "year"
    return ""


def has_hours(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    """Whether a date says at which hour: at several of them, not at midnight only."""
    if not column.type.startswith("TIMESTAMP"):
        return False
    row = connection.execute(
        f"SELECT count(DISTINCT extract(hour FROM {column.key})) FROM data"  # noqa: S608
    ).fetchone()
    return row is not None and int(row[0]) >= _FEWEST_HOURS


def is_irregular(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    """Whether moments come when something happens, rather than every hour or ten minutes.

    Those of events are different by chance; what is measured has one distance between most of them.
    """
    if not has_hours(connection, column):
        return False
    row = connection.execute(
        f"WITH moments AS (SELECT DISTINCT {column.key} AS moment FROM data), "  # noqa: S608
        "gaps AS (SELECT moment - lag(moment) OVER (ORDER BY moment) AS gap FROM moments "
        "WHERE moment IS NOT NULL) "
        "SELECT count(*) FILTER (gap = (SELECT mode(gap) FROM gaps)) / count(gap) FROM gaps"
    ).fetchone()
    return row is not None and (row[0] or 0) < 1 / 2


def best_period(
    connection: duckdb.DuckDBPyConnection, profiles: list[ColumnProfile]
) -> ColumnProfile | None:
    """The column of periods that a time series is drawn along, where there is no date."""
    periods = {column.identifier: period_of(connection, column) for column in profiles}
    finest = ("week", "month", "quarter", "year")
    named = [column for column in profiles if periods[column.identifier]]
    return min(named, key=lambda column: finest.index(periods[column.identifier]), default=None)


def format_of(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> str:
    """How the values of a measure are written: ``share`` of 1, ``percent`` of 100, or as they are.

    0.25 in a column that is called a rate is 25 %; 25 in a column that is called so is as well.
    """
    words = set(column.identifier.split("_"))
    if not words & (_PERCENT | _SHARES):
        return ""
    if all_values(connection, f"{column.key} BETWEEN 0 AND 1", column):
        return "share"
    return "percent" if words & _PERCENT else ""


def weights_of(
    connection: duckdb.DuckDBPyConnection, measures: list[ColumnProfile]
) -> dict[str, str]:
    """The weights of ratios, by identifier: what each is a quotient of, as the rows prove.

    Where the column conversion_rate is conversions / visits in every row, visits are its weight:
    a mean of the rates that is not weighted by them would be wrong.
    """
    amounts = [one for one in measures if aggregate_of(one.identifier) == "sum"][:_MOST_TRIED]
    found: dict[str, str] = {}
    for ratio in measures:
        if ratio in amounts:
            continue
        for above, below in permutations(amounts, 2):
            quotient = f"{above.key}::DOUBLE / nullif({below.key}, 0)"
            same = " OR ".join(
                f"abs({ratio.key} - {quotient} * {scale}) "
                f"<= greatest(abs({ratio.key}), {scale * 0.01}) * {_ROUNDING}"
                for scale in (1, 100)
            )
            proven = f"{above.key} IS NULL OR {below.key} IS NULL OR {below.key} = 0 OR ({same})"
            if ratio.distinct > 1 and all_values(connection, f"coalesce({proven}, false)", ratio):
                found[ratio.identifier] = below.identifier
                break
    return found


def mixes_kinds(column: ColumnProfile) -> bool:
    """Whether a category sets kinds against each other, such as revenue and cost, or currencies.

    Amounts of different kinds are shown side by side and never added up.
    """
    if _MEASURED_IN.fullmatch(column.identifier):
        return column.distinct > 1
    values = {value.strip().lower() for value in column.values}
    return sum(not kinds.isdisjoint(values) for kinds in _OPPOSED) > 1
