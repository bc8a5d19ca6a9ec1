"""What people answered to the questions of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.inspection.profile import all_values
from dataflow_tools.inspection.scales import tells_an_attitude

if TYPE_CHECKING:
    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

_RECOMMENDATION = frozenset("nps enps recommend recommendation promoter".split())  # noqa: SIM905
# What somebody who asks people calls a row or a column.
_ASKED = frozenset(
    "respondent respondents participant interviewee interview survey questionnaire poll".split()  # noqa: SIM905
)
_MOST_ANSWERS = 12
_HIGHEST_RATING = 10


def is_recommendation(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    """Whether a column has answers from 0 to 10 to how likely one recommends something."""
    named = not _RECOMMENDATION.isdisjoint(column.identifier.split("_"))
    if not named or not (column.whole or column.fractional) or column.distinct < 2:
        return False
    tens = f"{column.key} BETWEEN 0 AND {_HIGHEST_RATING} AND {column.key} = trunc({column.key})"
    # What goes to 5 or 7 only has another scale.
    reaches = not all_values(connection, f"{column.key} <= 7", column)
    return reaches and all_values(connection, tens, column)


def answer_columns(
    connection: duckdb.DuckDBPyConnection, profiles: list[ColumnProfile], roles: list[str]
) -> list[str]:
    """Identifiers of the columns that are answers to a survey's questions; nothing if it is none.

    A table is a survey if it says so: by a score of recommendation, by answers on a scale, or by
    what it calls those who were asked.
    """
    scores = [one for one in profiles if is_recommendation(connection, one)]
    is_survey = bool(scores) or any(
        not _ASKED.isdisjoint(column.identifier.split("_")) or tells_an_attitude(column)
        for column in profiles
    )
    if not is_survey:
        return []
    return [
        column.identifier
        for column, role in zip(profiles, roles, strict=True)
        if column in scores
        or (role in ("category", "flag") and column.distinct <= _MOST_ANSWERS)
        or (role == "measure" and _is_rating(connection, column))
    ]


def _is_rating(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    few = 1 < column.distinct <= _HIGHEST_RATING + 1
    within = f"{column.key} BETWEEN 0 AND {_HIGHEST_RATING}"
    return column.whole and few and all_values(connection, within, column)
