"""What people answered to the questions of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow_tools.inspection.scales import tells_an_attitude

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

_RECOMMENDATION = frozenset("nps enps recommend recommendation promoter".split())  # noqa: SIM905
# What somebody who asks people calls a row or a column.
_ASKED = frozenset(
    "respondent respondents participant interviewee interview survey questionnaire poll".split()  # noqa: SIM905
)
_MOST_ANSWERS = 12
_HIGHEST_RATING = 10


def is_recommendation(questions: Questions, column: ColumnProfile) -> bool:
    """Whether a column has answers from 0 to 10 to how likely one recommends something."""
    named = not _RECOMMENDATION.isdisjoint(column.identifier.split("_"))
    if not named or not (column.whole or column.fractional) or column.distinct < 2:
        return False
    tens = f"{column.key} BETWEEN 0 AND {_HIGHEST_RATING} AND {column.key} = trunc({column.key})"
    # What goes to 5 or 7 only has another scale.
    reaches = not questions.holds(f"{column.key} <= 7", column)
    return reaches and questions.holds(tens, column)


def answer_columns(
    questions: Questions, profiles: list[ColumnProfile], roles: list[str]
) -> list[str]:
    """Identifiers of the columns that are answers to a survey's questions; nothing if it is none.

    A table is a survey if it says so: by a score of recommendation, by answers on a scale, or by
    what it calls those who were asked.
    """
    are_scores = questions.each(profiles, lambda one: is_recommendation(questions, one))
    scores = [one for one, is_score in zip(profiles, are_scores, strict=True) if is_score]
    is_survey = bool(scores) or any(
        not _ASKED.isdisjoint(column.identifier.split("_")) or tells_an_attitude(column)
        for column in profiles
    )
    if not is_survey:
        return []
    ratings = questions.each(
        zip(profiles, roles, strict=True),
        lambda each: each[1] == "measure" and _is_rating(questions, each[0]),
    )
    return [
        column.identifier
        for column, role, is_score, is_rating in zip(
            profiles, roles, are_scores, ratings, strict=True
        )
        if is_score
        or (role in ("category", "flag") and column.distinct <= _MOST_ANSWERS)
        or is_rating
    ]


def _is_rating(questions: Questions, column: ColumnProfile) -> bool:
    few = 1 < column.distinct <= _HIGHEST_RATING + 1
    within = f"{column.key} BETWEEN 0 AND {_HIGHEST_RATING}"
    return column.whole and few and questions.holds(within, column)
