"""JSON whose rows, or columns, are lists of values, or whose records stand under keys."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.sources.errors import SourceDataError
from dataflow.sources.record_map import is_map_of_records, note_on_map
from dataflow.sources.value_rows import name_of, shaped_records

ROWS = [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]
VALUES = [[1, "Ann"], [2, "Bob"]]


def shaped(
    document: Any, records: str, data_path: str | None = None, names_path: str | None = None
) -> list[dict[str, Any]]:
    return shaped_records(document, records, data_path, names_path, "a.json")


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        ([["id", "name"], *VALUES], ("rows",)),
        ({"data": [["id", "name"], *VALUES]}, ("rows", "data")),
        ({"head": ["id", "name"], "data": VALUES}, ("rows", "data", "head")),
        ({"head": [{"fieldName": "id"}, {"label": "name"}], "d": VALUES}, ("rows", "d", "head")),
        ({"id": [1, 2], "name": ["Ann", "Bob"]}, ("columns",)),
        ({"t": {"id": [1, 2], "name": ["Ann", "Bob"]}}, ("columns", "t")),
    ],
)
def test_lists_of_values_become_records(document: Any, asked: tuple[str, ...]) -> None:
    """Under the names that stand first, beside them, or over each column."""
    assert shaped(document, *asked) == ROWS


@pytest.mark.parametrize("document", [{"data": []}, {"data": None}])
def test_no_rows_are_no_records(document: Any) -> None:
    """An empty list, or null where it would stand, is a table without rows."""
    assert shaped(document, "rows", "data") == []


def test_equal_names_are_told_apart() -> None:
    """No value is lost where two columns have one name."""
    assert shaped([["a", "A"], [1, 2]], "rows") == [{"a": 1, "A_2": 2}]
    assert shaped({"a": [1], "A": [2]}, "columns") == [{"a": 1, "A_2": 2}]


@pytest.mark.parametrize(
    ("document", "asked", "said"),
    [
        ({"x": 1}, ("rows", "data"), "nothing at 'data'"),
        ({"data": {"a": 1}}, ("rows", "data"), "not a list of rows"),
        ([["a"], {"a": 1}], ("rows",), "not a list of rows"),
        ([[1, 2], [3, 4]], ("rows",), "no names of columns in its first list"),
        ([["a", None], [3, 4]], ("rows",), "no names of columns"),
        ([[], []], ("rows",), "no names of columns"),
        ({"h": "ab", "d": VALUES}, ("rows", "d", "h"), "no names of columns at 'h'"),
        ({"h": ["a"], "d": [[1], [1, 2]]}, ("rows", "d", "h"), "list 2: there are 2 values, and 1"),
        ([["a", "b"], [1, 2], [1]], ("rows",), "list 3: there are 1 values, and 2 names"),
        ([1], ("columns",), "not an object with one list for each column"),
        ({"a": [1], "b": 2}, ("columns",), "'b' is no list"),
        ({"a": [1], "b": [1, 2]}, ("columns",), "not equally long"),
        ([1], ("map",), "not an object with one record for each key"),
        ({"k": {"a": 1}, "l": 2}, ("map",), "not an object with one record for each key"),
    ],
)
def test_another_shape_is_refused(document: Any, asked: tuple[str, ...], said: str) -> None:
    """Before any value stands under a name that is not its own."""
    with pytest.raises(SourceDataError, match=said):
        shaped(document, *asked)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("a", "a"),
        ({"name": "a", "label": "A"}, "a"),
        ({"name": "", "label": "A"}, "A"),
        ({"fieldName": "f", "name": "n"}, "f"),
        ({"type": "int"}, None),
        ({"name": 5}, None),
        (5, None),
    ],
)
def test_the_name_of_a_column(column: Any, name: str | None) -> None:
    """A text, or the first of the usual fields of an object that says one."""
    assert name_of(column) == name


def test_the_key_of_a_record_is_a_column_of_its_own() -> None:
    """Under a name that no record has."""
    assert shaped({"x": {"a": 1}, "y": {"b": 2}}, "map") == [
        {"key": "x", "a": 1},
        {"key": "y", "b": 2},
    ]
    taken = {"x": {"Key": 1}, "y": {"key_": 2}}
    assert [list(record) for record in shaped(taken, "map")] == [
        ["key__", "Key"],
        ["key__", "key_"],
    ]


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ({"x": {"a": 1, "b": 2}, "y": {"a": 1}}, True),
        ({"x": {"a": 1, "b": 2, "c": 3}, "y": {"a": 1}}, False),
        ({"x": {"a": 1}}, False),
        ({"x": {"a": 1}, "y": {}}, False),
        ({"x": {"a": 1}, "y": 5}, False),
        ({"x": {"0": 1, "1": 2}, "y": {"0": 1, "1": 2}}, False),
        ({"x": {"0": 1, "a": 2}, "y": {"0": 1, "a": 2}}, True),
        ([{"a": 1}, {"a": 1}], False),
    ],
)
def test_what_looks_like_one_record_for_each_key(value: Any, *, answer: bool) -> None:
    """Objects with most of their fields in common, and no table by columns."""
    assert is_map_of_records(value) is answer
    note = note_on_map(value, "a.json")
    assert (note is not None) is answer
    assert note is None or "('x' and 1 more)" in note
