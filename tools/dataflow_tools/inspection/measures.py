"""What more a page needs to know of columns: percentages, weights of ratios, kinds, periods."""

from __future__ import annotations

import re
from itertools import permutations
from math import isfinite
from typing import TYPE_CHECKING

from dataflow_tools.inspection.aggregation import aggregate_of

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

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
# So many rows show of most columns that they are no quotient.
_TRIED_FIRST = 30
# Of a day, if its hours are worth a look.
_FEWEST_HOURS = 4


def period_of(questions: Questions, column: ColumnProfile) -> str:
    """Which period the values of a column name: month, quarter, week, year; empty if none.

    2024-03, 2024-Q1, 2024-W09 in text; years from 1800 on, in a column that is called so.
    """
    if column.distinct < 2:
        return ""
    if column.text:
        for period, pattern in _PERIODS.items():
            if questions.holds(f"regexp_full_match({column.key}, '{pattern}')", column):
                return period
    is_named = not _YEARS.isdisjoint(column.identifier.split("_"))
    years = f"coalesce(try_cast({column.key} AS INTEGER) BETWEEN 1800 AND 2100, false)"
    if is_named and (column.text or column.whole) and questions.holds(years, column):
        return "year"
    return ""


def has_hours(questions: Questions, column: ColumnProfile) -> bool:
    """Whether a date says at which hour: at several of them, not at midnight only."""
    if not column.type.startswith("TIMESTAMP"):
        return False
    hours = questions.value(f"count(DISTINCT extract(hour FROM {column.key}))")
    return int(hours) >= _FEWEST_HOURS


def is_irregular(questions: Questions, column: ColumnProfile) -> bool:
    """Whether moments come when something happens, rather than every hour or ten minutes.

    Those of events are different by chance; what is measured has one distance between most of them.
    """
    if not has_hours(questions, column):
        return False
    (row,) = questions.fetch(
        f"WITH moments AS (SELECT DISTINCT {column.key} AS moment FROM data), "  # noqa: S608
        "gaps AS (SELECT moment - lag(moment) OVER (ORDER BY moment) AS gap FROM moments "
        "WHERE moment IS NOT NULL) "
        "SELECT count(*) FILTER (gap = (SELECT mode(gap) FROM gaps)) / count(gap) FROM gaps"
    )
    return (row[0] or 0) < 1 / 2


def best_period(questions: Questions, profiles: list[ColumnProfile]) -> ColumnProfile | None:
    """The column of periods that a time series is drawn along, where there is no date."""
    found = questions.each(profiles, lambda column: period_of(questions, column))
    periods = {column.identifier: each for column, each in zip(profiles, found, strict=True)}
    finest = ("week", "month", "quarter", "year")
    named = [column for column in profiles if periods[column.identifier]]
    return min(named, key=lambda column: finest.index(periods[column.identifier]), default=None)


def format_of(questions: Questions, column: ColumnProfile) -> str:
    """How the values of a measure are written: ``share`` of 1, ``percent`` of 100, or as they are.

    0.25 in a column that is called a rate is 25 %; 25 in a column that is called so is as well.
    """
    words = set(column.identifier.split("_"))
    if not words & (_PERCENT | _SHARES):
        return ""
    if questions.holds(f"{column.key} BETWEEN 0 AND 1", column):
        return "share"
    return "percent" if words & _PERCENT else ""


def weights_of(questions: Questions, measures: list[ColumnProfile]) -> dict[str, str]:
    """The weights of ratios, by identifier: what each is a quotient of, as the rows prove.

    Where the column conversion_rate is conversions / visits in every row, visits are its weight:
    a mean of the rates that is not weighted by them would be wrong.
    """
    amounts = [one for one in measures if aggregate_of(one.identifier) == "sum"][:_MOST_TRIED]
    ratios = [one for one in measures if one not in amounts and one.distinct > 1]
    rows = first_numbers(questions, measures) if ratios and len(amounts) > 1 else []

    def weight_of(ratio: ColumnProfile) -> str:
        for above, below in permutations(amounts, 2):
            if _may_be_quotient(rows, ratio.key, above.key, below.key) and questions.holds(
                _is_quotient(ratio, above, below), ratio
            ):
                return below.identifier
        return ""

    weights = questions.each(ratios, weight_of)
    return {one.identifier: weight for one, weight in zip(ratios, weights, strict=True) if weight}


def _is_quotient(ratio: ColumnProfile, above: ColumnProfile, below: ColumnProfile) -> str:
    quotient = f"{above.key}::DOUBLE / nullif({below.key}, 0)"
    same = " OR ".join(
        f"abs({ratio.key} - {quotient} * {scale}) "
        f"<= greatest(abs({ratio.key}), {scale * 0.01}) * {_ROUNDING}"
        for scale in (1, 100)
    )
    proven = f"{above.key} IS NULL OR {below.key} IS NULL OR {below.key} = 0 OR ({same})"
    return f"coalesce({proven}, false)"


def first_numbers(questions: Questions, columns: list[ColumnProfile]) -> list[dict[str, float]]:
    """The first rows of columns of numbers, by key, without nulls."""
    keys = [column.key for column in columns]
    rows = questions.fetch(
        f"SELECT {', '.join(keys)} FROM data LIMIT {_TRIED_FIRST}"  # noqa: S608
    )
    return [
        {key: float(value) for key, value in zip(keys, row, strict=True) if value is not None}
        for row in rows
    ]


def _may_be_quotient(rows: list[dict[str, float]], ratio: str, above: str, below: str) -> bool:
    """Whether no row shows plainly that a column is no quotient of two others.

    With twice the tolerance, so that what is left to DuckDB does not hang on how numbers round.
    """
    for row in rows:
        if not (ratio in row and above in row and row.get(below)):
            continue
        found, quotient = row[ratio], row[above] / row[below]
        if isfinite(found) and isfinite(quotient):
            tolerance = 2 * _ROUNDING
            if not any(
                abs(found - quotient * scale) <= max(abs(found), scale * 0.01) * tolerance
                for scale in (1, 100)
            ):
                return False
    return True


def mixes_kinds(column: ColumnProfile) -> bool:
    """Whether a category sets kinds against each other, such as revenue and cost, or currencies.

    Amounts of different kinds are shown side by side and never added up.
    """
    if _MEASURED_IN.fullmatch(column.identifier):
        return column.distinct > 1
    values = {value.strip().lower() for value in column.values}
    return sum(not kinds.isdisjoint(values) for kinds in _OPPOSED) > 1
