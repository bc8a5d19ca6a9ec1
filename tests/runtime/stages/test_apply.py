"""The built-in stages do what config.yaml says, on every kind of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.stages.apply import apply_stages
from dataflow.stages.errors import StageError

ROWS = [
    {"id": 2, "name": " b "},
    {"id": 1, "name": "a"},
    {"id": 2, "name": "b"},
    {"id": None, "name": " "},
    {"id": 1, "name": "a"},
]
small_rows = st.lists(
    st.fixed_dictionaries(
        {"a": st.sampled_from([1, 2.5, None]), "b": st.sampled_from(["x", "y", "", None])},
        optional={"c": st.lists(st.integers(0, 1), max_size=2)},
    ),
    max_size=30,
)


def cleaned(rows: Any, **options: bool) -> Any:
    return apply_stages({"data": rows}, [{"name": "cleaning", "options": options}])["data"]


def test_metadata_tells_what_each_stage_did() -> None:
    """Each stage is listed with its rows in and out; other metadata is kept."""
    data = {"data": ROWS, "metadata": {"source": "here", "record_count": 5}}
    result = apply_stages(
        data,
        [
            {"name": "cleaning", "options": {"remove_duplicates": True}},
            {"name": "enrichment", "options": {"add_timestamps": True}},
        ],
    )
    assert result["metadata"] == {
        "source": "here",
        "record_count": 4,
        "transformation_stages": [
            {"name": "cleaning", "rows_in": 5, "rows_out": 4},
            {"name": "enrichment", "rows_in": 4, "rows_out": 4},
        ],
    }
    assert data["metadata"] == {"source": "here", "record_count": 5}


def test_first_of_equal_rows_stays_in_its_place() -> None:
    """Duplicates go, the order stays."""
    assert cleaned(ROWS, remove_duplicates=True) == ROWS[:4]


def test_options_work_in_a_fixed_order() -> None:
    """Text is trimmed first, then empty rows go, then rows that have become equal."""
    assert cleaned(ROWS, remove_duplicates=True, trim_strings=True, drop_empty_rows=True) == [
        {"id": 2, "name": "b"},
        {"id": 1, "name": "a"},
    ]


def test_nothing_is_done_unless_asked() -> None:
    """A stage without options changes no row."""
    assert cleaned(ROWS) == ROWS
    assert apply_stages({"data": ROWS}, [{"name": "enrichment"}])["data"] == ROWS


def test_nested_and_unhashable_values_are_compared_by_value() -> None:
    """Lists and dicts, which Python cannot hash, are compared like other values."""
    rows: list[dict[str, Any]] = [{"a": {"x": [1]}}, {"a": {"x": [2]}}, {"a": {"x": [1]}}, {}, {}]
    assert cleaned(rows, remove_duplicates=True) == [
        {"a": {"x": [1]}},
        {"a": {"x": [2]}},
        {"a": None},
    ]


@pytest.mark.slow
@settings(deadline=None)
@given(small_rows)
def test_duplicates_equal_a_plain_search(rows: list[dict[str, Any]]) -> None:
    """What stays is what a plain search for earlier equal rows leaves."""
    full = [
        {key: row.get(key) for key in ("a", "b", "c") if any(key in r for r in rows)}
        for row in rows
    ]
    expected = [row for number, row in enumerate(full) if row not in full[:number]]
    assert cleaned(rows, remove_duplicates=True) == expected


@pytest.mark.slow
@settings(deadline=None)
@given(small_rows)
def test_empty_rows_are_those_without_any_value(rows: list[dict[str, Any]]) -> None:
    """A row goes exactly if every value is null or blank."""
    kept = [row for row in rows if any(value not in (None, "") for value in row.values())]
    assert len(cleaned(rows, drop_empty_rows=True)) == len(kept)


@pytest.mark.parametrize("convert", [list, pd.DataFrame, pa.Table.from_pylist])
def test_kind_out_is_kind_in(convert: Any) -> None:
    """A list comes back as a list, a DataFrame as a DataFrame, a table as a table."""
    data = convert([{"id": 1}, {"id": 1}])
    result = cleaned(data, remove_duplicates=True)
    assert type(result) is type(data)
    assert len(result) == 1


def test_timestamp_is_utc_now_and_one_for_all_rows() -> None:
    """`processed_at` is the time of the run, in UTC."""
    before = datetime.now(UTC)
    stages = [{"name": "enrichment", "options": {"add_timestamps": True}}]
    rows = apply_stages({"data": ROWS}, stages)["data"]
    assert len({row["processed_at"] for row in rows}) == 1
    assert before <= rows[0]["processed_at"] <= datetime.now(UTC)


def test_own_column_is_not_overwritten() -> None:
    """A `processed_at` that the source has is not silently replaced."""
    stages = [{"name": "enrichment", "options": {"add_timestamps": True}}]
    with pytest.raises(StageError, match="processed_at"):
        apply_stages({"data": [{"Processed_At": 1}]}, stages)


@pytest.mark.parametrize(
    ("stage", "hint"),
    [
        ({"name": "cleanin"}, "Did you mean `cleaning`?"),
        (
            {"name": "cleaning", "options": {"remove_duplicate": True}},
            "Did you mean `remove_duplicates`?",
        ),
        ({}, "There are: cleaning, enrichment."),
    ],
)
def test_unknown_names_are_refused_with_a_hint(stage: dict[str, Any], hint: str) -> None:
    """A misspelt stage or option says what was meant."""
    with pytest.raises(StageError) as caught:
        apply_stages({"data": ROWS}, [stage])
    assert hint in caught.value.instruction


def test_no_rows_and_no_columns_go_through() -> None:
    """Empty input is not a fault of the stages."""
    everything = {"remove_duplicates": True, "trim_strings": True, "drop_empty_rows": True}
    assert cleaned([], **everything) == []
    assert cleaned(pa.table({"a": pa.array([], pa.string())}), **everything).num_rows == 0
    with pytest.raises(StageError, match='no "data"'):
        apply_stages({}, [])


def test_text_of_either_kind_is_trimmed_and_nothing_else_is() -> None:
    """Arrow has two types of text; numbers, nested text and nulls stay as they are."""
    table = pa.table(
        {
            "n": [1, 2],
            "large": pa.array([" a ", None], pa.large_string()),
            "text": ["\tb", " "],
            "list": [[" c "], None],
        }
    )
    result = cleaned(table, trim_strings=True)
    assert result.schema == table.schema
    assert result.to_pylist() == [
        {"n": 1, "large": "a", "text": "b", "list": [" c "]},
        {"n": 2, "large": None, "text": "", "list": None},
    ]


def test_a_row_stays_for_one_value_in_any_column() -> None:
    """Whether its first or its last column has the value, and also if that is false or zero."""
    rows: list[dict[str, Any]] = [
        {"a": "x", "b": None, "c": None},
        {"a": " ", "b": None, "c": ""},
        {"a": None, "b": False, "c": None},
        {"a": "", "b": None, "c": "y"},
        {"a": None, "b": None, "c": None},
    ]
    assert cleaned(rows, drop_empty_rows=True) == [rows[0], rows[2], rows[3]]
    assert cleaned(rows[:1], drop_empty_rows=True) == rows[:1]
    assert cleaned(rows[4:], drop_empty_rows=True) == []


def test_keys_of_the_author_and_rows_without_metadata_go_through() -> None:
    """What stands beside the rows is handed on, and metadata need not be there."""
    result = apply_stages({"data": ROWS, "note": "mine"}, [{"name": "cleaning"}])
    assert result["note"] == "mine"
    assert result["metadata"] == {
        "record_count": 5,
        "transformation_stages": [{"name": "cleaning", "rows_in": 5, "rows_out": 5}],
    }


def test_an_option_that_is_off_is_off() -> None:
    """False is as good as leaving it out."""
    assert cleaned(ROWS, remove_duplicates=False, trim_strings=False, drop_empty_rows=False) == ROWS


def test_a_table_without_columns_or_with_one_row_has_no_duplicates() -> None:
    """There is nothing to compare."""
    assert cleaned(pa.table({}), remove_duplicates=True).num_rows == 0
    assert cleaned([{"a": 1}], remove_duplicates=True) == [{"a": 1}]
    assert cleaned([{"a": 1}, {"a": 1}], remove_duplicates=True) == [{"a": 1}]


def test_a_stage_of_ones_own_gets_the_table_and_its_options() -> None:
    """What transform.py hands on by name runs in its place among the others."""

    def double(table: pa.Table, options: dict[str, Any]) -> pa.Table:
        return pa.concat_tables([table] * options["times"])

    stages: list[dict[str, Any]] = [
        {"name": "double", "options": {"times": 2}},
        {"name": "cleaning"},
    ]
    result = apply_stages({"data": [{"id": 1}]}, stages, own_stages={"double": double})
    assert result["data"] == [{"id": 1}, {"id": 1}]
    done = result["metadata"]["transformation_stages"]
    assert done[0] == {"name": "double", "rows_in": 1, "rows_out": 2}
