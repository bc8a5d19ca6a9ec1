"""What people answered: scores, scales and long texts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tools.inspection.small_tables import DAYS, N, csv_of, roles, shown

SCORES = [i % 11 for i in range(N)]


@pytest.mark.slow
def test_a_survey_has_answers(look: Any) -> None:
    """A score of recommendation is an NPS, scales are in their order, comments are texts."""
    agree = ["Agree", "Strongly disagree", "Neutral", "no answer"] * (N // 4)
    comment = ["Too slow, and nobody was there to help", "Fine"] * (N // 2)
    found = look(
        csv_of(
            ("respondent_id", [100 + i for i in range(N)]),
            ("likelihood_to_recommend", SCORES),
            ("easy", agree),
            ("age_group", ["18-29", "65+"] * (N // 2)),
            ("again", ["true", "false"] * (N // 2)),
            ("comment", [f'"{text}"' for text in comment]),
        )
    )
    facts = shown(found)
    assert facts["likelihood_to_recommend"] == {"format": "nps", "answers": True}
    assert facts["easy"] == {
        "answers": True,
        "scale": ["Strongly disagree", "Neutral", "Agree"],
    }
    assert facts["age_group"] == facts["again"] == {"answers": True}
    assert (roles(found)["comment"], facts["comment"]) == ("text", {"long": True})


def test_a_score_of_employees_is_an_nps(look: Any) -> None:
    """The eNPS asks employees on the same scale."""
    found = look(csv_of(("staff_id", [100 + i for i in range(N)]), ("enps", SCORES)))
    assert shown(found)["enps"] == {"format": "nps", "answers": True}


@pytest.mark.parametrize(
    ("name", "values"),
    [("recommend", [i % 5 + 1 for i in range(N)]), ("score", SCORES)],
)
def test_another_scale_is_no_nps(look: Any, name: str, values: list[int]) -> None:
    """1 to 5 is no NPS, nor are other scores from 0 to 10."""
    assert shown(look(csv_of(("day", DAYS), (name, values))))[name].get("format") != "nps"


def test_sales_are_no_survey(look: Any) -> None:
    """The condition of used cars is a scale that is told by sellers, too."""
    condition = ["good", "fair", "excellent"] * (N // 3)
    found = shown(look(csv_of(("day", DAYS), ("condition", condition))))
    assert "answers" not in found["condition"]
