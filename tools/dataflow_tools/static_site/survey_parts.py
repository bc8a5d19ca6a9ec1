"""What people answered, and wrote: parts of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow_tools.inspection.scales import NO_ANSWER
from dataflow_tools.static_site.page_relation import RELATION, answer_column
from dataflow_tools.static_site.plots import NO_PLOT, bars

if TYPE_CHECKING:
    from dataflow_tools.static_site.table_shape import Answers, TableShape

_MOST_TEXTS = 10


def survey_parts(shape: TableShape) -> list[dict[str, Any]]:
    """The answers to each question in the order of their scale, and the most frequent texts."""
    return [*map(_answers, shape.answers), *map(_texts, shape.texts)]


def _answers(answers: Answers) -> dict[str, Any]:
    column = answer_column(answers.name)
    answer = quote_identifier(column)
    order = _order(answer, answers.scale)
    return {
        "heading": f"Answers to {answers.name}",
        "order": f"SELECT {answer} AS value FROM {RELATION} WHERE {answer} IS NOT NULL "  # noqa: S608
        f"GROUP BY {answer} ORDER BY {order}",
        "numbers": _score(answer) if answers.is_score else _answered(answer),
        "rows": f'SELECT {answer} AS "Answer", 100 * count(*) / sum(count(*)) OVER () '  # noqa: S608
        f'AS "Share (%)", count(*) AS "Rows" FROM {RELATION} '
        f"WHERE {answer} IS NOT NULL AND ({{condition}}) GROUP BY {answer} ORDER BY {order}",
        "view": bars(column, {"count": ""}, is_ordered=True),
    }


def _order(answer: str, scale: list[str]) -> str:
    """From one end of the scale to the other, by the number, or the most frequent first."""
    place = f"list_position([{', '.join(map(quote_literal, scale))}], {answer})" if scale else "0"
    none = ", ".join(quote_literal(said) for said in sorted(NO_ANSWER))
    return (
        f"lower(trim({answer})) IN ({none}), nullif({place}, 0) NULLS LAST, "
        rf"try_cast(regexp_extract({answer}, '-?\d+(\.\d+)?') AS DOUBLE) NULLS LAST, "
        f"{answer} = 'false', count(*) DESC, {answer}"
    )


def _answered(answer: str) -> str:
    return (
        f'SELECT count({answer}) AS "Answered", count(*) AS "Of" '  # noqa: S608
        f"FROM {RELATION} WHERE ({{condition}})"
    )


def _score(answer: str) -> str:
    score = f"{answer}::DOUBLE"
    promoters = f"count(*) FILTER (WHERE {score} >= 9)"
    detractors = f"count(*) FILTER (WHERE {score} <= 6)"
    return (
        f"SELECT 100 * ({promoters} - {detractors}) / nullif(count({score}), 0) "  # noqa: S608
        f'AS "NPS", {promoters} AS "Promoters (9 and 10)", '
        f"count(*) FILTER (WHERE {score} > 6 AND {score} < 9) "
        f'AS "Passives (7 and 8)", {detractors} AS "Detractors (0 to 6)", '
        f'count({score}) AS "Answered", count(*) AS "Of" FROM {RELATION} WHERE ({{condition}})'
    )


def _texts(name: str) -> dict[str, Any]:
    text = quote_identifier(name)
    filled = f"FROM {RELATION} WHERE trim({text}) <> '' AND ({{condition}})"
    return {
        "heading": f"Most frequent {name}",
        "wide": True,
        "numbers": f'SELECT count(*) AS "Filled in", count(DISTINCT {text}) AS "Different", '
        f'median(length({text})) AS "Characters (median)", '
        f'max(length({text})) AS "Characters (most)" {filled}',
        "rows": f'SELECT {text} AS "Text", count(*) AS "Rows" {filled} '
        f'GROUP BY {text} ORDER BY "Rows" DESC, "Text" LIMIT {_MOST_TEXTS}',
        "view": NO_PLOT,
    }
