"""How what is wrong with a file is told."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.finding import ConfigError, Finding, shown_path, shown_value
from dataflow.shared.redaction import register_secret

FULL = Finding(
    "is wrong", "did you mean `x`?", "a/config.yaml", 12, "load.table", '"R"', allowed="x, y"
)


def test_a_finding_is_one_line_with_all_that_is_known() -> None:
    """File, line, key path, value, reason, what is allowed and a hint; each may be left out."""
    assert str(FULL) == (
        'a/config.yaml:12: load.table: "R" is wrong (allowed: x, y); did you mean `x`?'
    )
    assert str(Finding("there is no such file", file="a")) == "a: there is no such file"


def test_an_error_has_its_findings_in_the_order_of_their_lines() -> None:
    """All findings are there, sorted, with one instruction; the command line exits with 2."""
    error = ConfigError([FULL, Finding("first", file="a/config.yaml", line=3)])
    assert [finding.line for finding in error.findings] == [3, 12]
    assert error.reason.splitlines() == [str(finding) for finding in error.findings]
    assert error.instruction == "Put the lines above right and run it again."
    assert isinstance(error, BadInputError)
    assert (error.exit_code, error.http_status) == (2, 422)


def test_an_error_survives_the_way_between_processes() -> None:
    """Pickled and back it is the same."""
    error = ConfigError([FULL])
    assert pickle.loads(pickle.dumps(error)).findings == error.findings  # noqa: S301 - our own


def test_statement_and_remedy_stand_apart() -> None:
    """For output with a line each; where nothing is known to do, it says so much."""
    assert FULL.statement == 'load.table: "R" is wrong'
    assert FULL.remedy == "Allowed: x, y; did you mean `x`?"
    assert Finding("It is gone.").remedy == "Put it right."


def test_secrets_are_masked_where_a_finding_arrives() -> None:
    """Those that the maker knew of, and in another process those that are known there as well."""
    made = Finding("https://me:hunter22@host failed with planted-9271", "Ask planted-9271.")
    assert "hunter22" not in made.reason
    register_secret("planted-9271")
    for text in (str(pickle.loads(pickle.dumps(made))), str(Finding.of(_error("planted-9271")))):  # noqa: S301 - our own
        assert "planted-9271" not in text


def _error(text: str) -> DataflowError:
    return DataflowError(f"{text} is wrong.", f"Change {text}.")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("R", '"R"'),
        (5, "5"),
        (True, "true"),
        (None, "null"),
        ([1], "a list"),
        ({}, "a mapping"),
        ('a"b', '"a\\"b"'),
        ("größe", '"größe"'),
        ("a\nb", '"a\\nb"'),
        ("https://me:secret@host", '"https://***@host"'),
        ("x" * 100, '"' + "x" * 56 + "..."),
    ],
)
def test_values_are_shown_as_they_are_written(value: Any, shown: str) -> None:
    """As in YAML, on one line, cut to a readable length, passwords masked."""
    assert shown_value(value) == shown


@given(st.text() | st.integers() | st.floats() | st.lists(st.text()))
def test_a_shown_value_is_short_and_on_one_line(value: Any) -> None:
    """Whatever it is, it can be printed within a line."""
    assert shown_value(value).isprintable()
    assert len(shown_value(value)) <= 60


def test_key_paths_are_shown_as_people_write_them() -> None:
    """Dots between keys, brackets around positions."""
    assert shown_path(("transformation", "stages", 0, "name")) == "transformation.stages[0].name"
    assert shown_path(()) == ""
