"""What a page shows of columns beside their roles: both kinds of dashboards ask here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow_tools.inspection.aggregation import is_stock
from dataflow_tools.inspection.entities import entity_of
from dataflow_tools.inspection.long_text import is_long_text
from dataflow_tools.inspection.measures import (
    format_of,
    has_hours,
    is_irregular,
    mixes_kinds,
    period_of,
    weights_of,
)
from dataflow_tools.inspection.outcomes import success_of
from dataflow_tools.inspection.places import coordinates_of, names_countries
from dataflow_tools.inspection.scales import scale_of
from dataflow_tools.inspection.surveys import answer_columns, is_recommendation

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions


def page_facts(
    questions: Questions,
    profiles: list[ColumnProfile],
    roles: list[str],
    primary_key: list[str],
) -> list[dict[str, Any]]:
    """What more a page needs to know of each column.

    Args:
        roles: That of each column; see `role_of`.
        primary_key: Names of the columns that identify a row.

    Returns:
        Of each column what is true of it: of a date its ``period``, whether it has a ``clock`` and
        is ``irregular``, as events are; of a measure its ``format`` and ``weight``, and
        ``aggregate`` where it adds up though its name does not say so; of a category whether it
        mixes ``kinds``; of a latitude its ``longitude``; whether it names a ``country`` or the
        ``entity`` that a row is about, has ``long`` texts or ``answers`` and on which ``scale``;
        how it tells ``success`` from failure.
    """
    measures = [one for one, role in zip(profiles, roles, strict=True) if role == "measure"]
    weights = weights_of(questions, measures)
    coordinates = coordinates_of(questions, profiles)
    answered = answer_columns(questions, profiles, roles)
    success = success_of(questions, profiles)
    entity = "" if "date" in roles else entity_of(questions, profiles, primary_key)

    def shown_of(column: ColumnProfile, role: str) -> dict[str, Any]:
        name = column.identifier
        facts: dict[str, Any] = {"longitude": coordinates.get(name), "success": success.get(name)}
        if role == "date":
            facts["period"] = "" if column.time else period_of(questions, column)
            facts["clock"] = has_hours(questions, column)
            facts["irregular"] = is_irregular(questions, column)
        elif role == "measure":
            is_score = is_recommendation(questions, column)
            facts["format"] = "nps" if is_score else format_of(questions, column)
            facts["weight"] = weights.get(name, "")
            facts["aggregate"] = "sum" if "date" not in roles and is_stock(name) else ""
        elif role == "category":
            facts["kinds"] = mixes_kinds(column)
        elif role == "text":
            facts["long"] = is_long_text(questions, column)
        facts["entity"] = name == entity
        facts["country"] = role in ("category", "key", "text") and names_countries(
            questions, column
        )
        if name in answered:
            facts |= {"answers": True, "scale": scale_of(column)}
        return {fact: value for fact, value in facts.items() if value}

    return questions.each(zip(profiles, roles, strict=True), lambda each: shown_of(*each))
