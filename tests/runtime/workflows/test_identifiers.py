"""Which ids a workflow may have."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import duckdb
import pytest
from dagster._core.definitions.utils import DISALLOWED_NAMES
from hypothesis import given
from hypothesis import strategies as st

from dataflow.shared.errors import BadInputError
from dataflow.workflows import identifiers
from dataflow.workflows.identifiers import (
    MAX_LENGTH,
    RESERVED_IDS,
    check_workflow_id,
    suggest_workflow_id,
    workflow_of,
)


@pytest.mark.parametrize("workflow_id", ["a", "flights", "my_workflow", "a1_b2", "x" * MAX_LENGTH])
def test_plain_names_are_ids(workflow_id: str) -> None:
    """Lower-case words joined by single underscores are returned as they are."""
    assert check_workflow_id(workflow_id) == workflow_id


@pytest.mark.parametrize(
    ("text", "words", "better"),
    [
        ("", "is empty", "my_workflow"),
        ("My-Flow", "'M' is an upper-case letter", "my_flow"),
        ("myFlow", "'F' is an upper-case letter", "my_flow"),
        ("my-flow", "'-' is not allowed", "my_flow"),
        ("../etc", "'.' is not allowed", "etc"),
        ("a/b", "'/' is not allowed", "a_b"),
        ("1st", "does not start with a letter", "workflow_1st"),
        ("_a", "does not start with a letter", "a"),
        ("a_", "underscores may only stand alone", "a"),
        ("a__b", "underscores may only stand alone", "a_b"),
        ("größe", "'ö' is not allowed", "grosse"),
        ("a\n", r"'\n' is not allowed", "a"),
        ("x" * 41, "has 41 characters, and 40 is the most", "x" * 40),
        ("class", "a keyword of Python", "my_class"),
        ("match", "a keyword of Python", "my_match"),
        ("registry", "the library keeps for itself", "my_registry"),
        ("shared", "the library keeps for itself", "my_shared"),
        ("order", "a reserved word of SQL", "my_order"),
        ("raw", "every warehouse has", "my_raw"),
        ("config", "Dagster keeps for itself", "my_config"),
        ("api", "the dashboard site keeps for itself", "my_api"),
        ("nul", "a device name on Windows", "my_nul"),
        ("\U0001d41a", "is not allowed", "a"),
    ],
)
def test_other_names_are_refused_with_a_reason_and_a_better_one(
    text: str, words: str, better: str
) -> None:
    """The error says what is wrong and names an id that would do."""
    with pytest.raises(BadInputError) as caught:
        check_workflow_id(text)
    assert words in caught.value.reason
    assert f"`{better}`" in caught.value.instruction


@pytest.mark.slow
@given(st.text() | st.from_regex(r"[a-zA-Z_0-9./\\$ ]{0,60}"))
def test_an_id_is_safe_wherever_it_is_used(text: str) -> None:
    """What is taken is one path part and one Python name; what is not is one clear message."""
    workflow_id, said = None, ""
    try:
        workflow_id = check_workflow_id(text)
    except BadInputError as error:
        said = error.reason
    assert "\n" not in said
    assert len(said) < 200
    if workflow_id is not None:
        assert workflow_id == text
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,49}", workflow_id)
        assert workflow_id.isidentifier()
        assert not keyword.iskeyword(workflow_id)
        assert Path(workflow_id).parts == (workflow_id,)
        assert "__" not in workflow_id


@given(st.text() | st.sampled_from(sorted(RESERVED_IDS)) | st.none())
def test_every_suggestion_is_an_id(text: str | None) -> None:
    """Whatever was typed, the id that is offered is itself taken."""
    better = suggest_workflow_id(text)
    assert check_workflow_id(better) == better


@pytest.mark.parametrize("value", [None, 5, ["a"], b"flights"])
def test_what_is_not_text_is_refused(value: object) -> None:
    """A value of another type is a wrong input like any other."""
    with pytest.raises(BadInputError, match="not text"):
        check_workflow_id(value)  # type: ignore[arg-type]


def test_reserved_ids_keep_up_with_what_reserves_them() -> None:
    """SQL's reserved words, Dagster's and Python's names and the modules there are refused."""
    words = duckdb.sql(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category='reserved'"
    )
    assert {row[0] for row in words.fetchall()} <= RESERVED_IDS
    assert {name for name in DISALLOWED_NAMES if name.islower()} <= RESERVED_IDS
    assert {
        name for name in (*keyword.kwlist, *keyword.softkwlist) if name.islower()
    } <= RESERVED_IDS
    folder = Path(identifiers.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} <= RESERVED_IDS


@pytest.mark.parametrize(
    ("name", "workflow_id"),
    [
        ("sales", "sales"),
        ("dataflow.workflows.sales", "sales"),
        ("dataflow.workflows.sales.parts.prices", "sales"),
        ("dataflow.workflows", "dataflow.workflows"),
        ("other.workflows.sales", "other.workflows.sales"),
    ],
)
def test_a_modules_name_tells_its_workflow(name: str, workflow_id: str) -> None:
    """So that code may say `__package__`; what is no such name stays as it is, to be refused."""
    assert workflow_of(name) == workflow_id
