"""Names of columns are told apart without changing more than needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dataflow.ingestion.names import distinct_names


@given(st.lists(st.sampled_from(["a", "A", "a_2", "A_3", "", " a ", "column_2", "b"]), max_size=9))
def test_names_differ_by_more_than_case_and_are_told(names: list[str]) -> None:
    """No two names are alike, none is empty, and every change has a note."""
    result, notes = distinct_names(names)
    assert len({name.lower() for name in result}) == len(names)
    assert all(result)
    changed = [name for name, new in zip(names, result, strict=True) if name.strip() != new]
    assert len(notes) == len(changed)


@given(st.lists(st.text(min_size=1).map(lambda text: f"x{text}x"), unique_by=str.lower, max_size=9))
def test_good_names_stay(names: list[str]) -> None:
    """Names that are different already keep their case and order."""
    assert distinct_names(names) == (names, [])
