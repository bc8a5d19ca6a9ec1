"""Answers given on the command line, refused before a template leaves them out in silence."""

from __future__ import annotations

import pytest

from dataflow.shared.errors import BadInputError
from dataflow_tools.scaffold.given_answers import check_given, choice_error, refuse_settled

QUESTIONS = {
    "source_type": {"type": "str", "choices": {"A file": "file", "An API": "api"}},
    "use_dbt": {"type": "bool", "default": True},
    "count": {"type": "int"},
    "rate": {"default": 0.5},
    "computed": {"type": "str", "when": False},
    "depends": {"type": "str", "choices": ["{{ source_type }}"]},
}


@pytest.mark.parametrize(
    ("name", "value", "reason", "instruction"),
    [
        ("source_typ", "file", "has no question source_typ", "Did you mean `source_type`?"),
        ("source_type", "fil", "source_type = 'fil'", "Did you mean `file`? It takes file, api."),
        ("use_dbt", "maybe", "use_dbt = 'maybe' is not true or false", "--data use_dbt=true"),
        ("count", "many", "count = 'many' is not a whole number", "--data count=5"),
        ("rate", "high", "rate = 'high' is not a number", "--data rate=0.5"),
        ("computed", "x", "computed is computed by the template", "computed from"),
    ],
)
def test_what_no_question_takes_is_refused(
    name: str, value: str, reason: str, instruction: str
) -> None:
    """Names, choices and types are checked, each with what to write instead."""
    with pytest.raises(BadInputError) as refused:
        check_given({name: value}, QUESTIONS, where="The template")
    assert reason in refused.value.reason
    assert instruction in refused.value.instruction


def test_what_a_question_takes_is_left_to_it() -> None:
    """Values of the right type pass, and what depends on other answers is not judged here."""
    good = {"source_type": "api", "use_dbt": "No", "count": "3", "rate": 1, "depends": "x"}
    check_given(good, QUESTIONS, where="The template")


@pytest.mark.parametrize(
    ("command", "instruction"),
    [
        ("workflow update", "dataflow workflow rename OLD sales"),
        ("workflow new", "dataflow workflow new sales"),
        ("init", "dataflow workflow new sales"),
    ],
)
def test_what_the_command_decides_is_refused_with_the_right_command(
    command: str, instruction: str
) -> None:
    """Neither the kind nor the name is an answer, in any command."""
    with pytest.raises(BadInputError) as refused:
        refuse_settled({"workflow_id": "sales"}, command)
    assert instruction in refused.value.instruction
    with pytest.raises(BadInputError, match="`kind` is decided by the command"):
        refuse_settled({"kind": "project"}, command)


def test_a_choice_that_copier_refuses_is_told_as_ours() -> None:
    """Its words are read where choices are computed, and other words are left alone."""
    error = choice_error("Invalid choice for 'ci': 'githb' is not in ['github', 'gitlab']")
    assert error is not None
    assert "Did you mean `github`?" in error.instruction
    assert choice_error("Something else") is None
