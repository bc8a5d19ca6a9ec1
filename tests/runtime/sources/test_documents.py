"""JSON and JSON Lines files are read whole, nested values and all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dataflow.sources.errors import SourceDataError
from dataflow.sources.read import read_source

ROWS = [{"id": 1, "tags": ["a"], "owner": {"name": "Ann"}}, {"id": 2, "extra": 1.5}]
FULL = [
    {"id": 1, "tags": ["a"], "owner": {"name": "Ann"}, "extra": None},
    {"id": 2, "tags": None, "owner": None, "extra": 1.5},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.json", "\n".join(map(json.dumps, ROWS))),
        ("a.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n"),
        ("a.ndjson", "\r\n".join(map(json.dumps, ROWS))),
    ],
)
def test_every_shape_gives_the_same_rows(read: Any, name: str, text: str) -> None:
    """An array, objects after one another, and lines are the same; missing keys are null."""
    assert read(name, text)["data"].to_pylist() == FULL


def test_one_object_is_one_row(read: Any) -> None:
    """A file with one object is a table with one row."""
    assert read("a.json", '{"a": 1, "b": [1]}')["data"].to_pylist() == [{"a": 1, "b": [1]}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["007", "12"], ["007", "12"]),
        ([1, 2.5], [1.0, 2.5]),
        ([1, None, "x", {"b": [1]}], ["1", None, "x", '{"b":[1]}']),
        (["2020-01-01", "2020-01-02"], [date(2020, 1, 1), date(2020, 1, 2)]),
        (["2020-01-01", "later"], ["2020-01-01", "later"]),
        (
            ["2020-01-01T10:00:00+02:00", "2020-01-01T10:00:00Z"],
            [datetime(2020, 1, 1, 8, tzinfo=UTC), datetime(2020, 1, 1, 10, tzinfo=UTC)],
        ),
        (["01/02/2020"], ["01/02/2020"]),
        ([True, None], [True, None]),
        ([{}, {}], ["{}", "{}"]),
        ([None, None], [None, None]),
        ([2**63, 1], [2**63, 1]),
        ([[1, "a"], None], ['[1,"a"]', None]),
        ([{"a": "1"}, {"a": 1}], ['{"a":"1"}', '{"a":1}']),
        ([[[1, "a"]], [[True]]], ['[[1,"a"]]', "[[true]]"]),
        ([[{"a": [1, "x"]}], []], ['[{"a":[1,"x"]}]', "[]"]),
        ([{"a": 1, "b": None, "c": []}], [{"a": 1, "b": None, "c": []}]),
    ],
)
def test_types_are_found_on_all_values(read: Any, values: list[Any], expected: list[Any]) -> None:
    """Numbers in texts stay texts, dates become dates, mixtures become text."""
    assert (
        read("a.json", json.dumps([{"v": v} for v in values]))["data"]["v"].to_pylist() == expected
    )


def test_late_kinds_are_not_lost(read: Any) -> None:
    """A value of another kind far behind the first ones changes the column, not the value."""
    rows = [{"v": 1}] * 40_000
    assert read("a.json", json.dumps([*rows, {"v": 1.5}]))["data"]["v"][40_000].as_py() == 1.5
    result = read("a.json", json.dumps([*rows, {"v": "x"}]))
    assert result["data"]["v"].to_pylist()[39_999:] == ["1", "x"]
    assert result["metadata"]["notes"] == ["Column 'v' has values of several kinds; it is text."]


def test_numbers_that_would_lose_digits_are_text(read: Any) -> None:
    """Whole numbers beyond what a double holds stay what they are, and that is noted."""
    result = read("a.json", f'[{{"v": {2**70}}}, {{"v": 1.5}}]')
    assert result["data"].to_pylist() == [{"v": str(2**70)}, {"v": "1.5"}]
    assert any("more digits than a double holds" in note for note in result["metadata"]["notes"])


def test_many_keys_stay_columns(read: Any) -> None:
    """Objects with hundreds of keys are columns and structs, not maps."""
    wide = {f"k{number}": number for number in range(300)}
    table = read("a.json", json.dumps([wide, {"n": wide}]))["data"]
    assert table.num_columns == 301
    assert pa.types.is_struct(table.schema.field("n").type)


def test_null_values_apply_to_texts(read: Any) -> None:
    """Markers are null; an empty text, for which JSON has no need, stays."""
    table = read("a.json", '[{"v": "NA"}, {"v": "x"}, {"v": ""}]', null_values=["", "NA"])["data"]
    assert table["v"].to_pylist() == [None, "x", ""]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '[{"a": 1}, {"a": ', r"a\.json, value 2: unexpected end of data"),
        ("a.jsonl", '{"a": 1}\n{"a": 2}\n{"a":\n', r"a\.jsonl, line 3: unexpected end"),
        ("a.json", "<html></html>", r"a\.json, value \d+: unexpected character"),
        ("a.json", "[1, 2]", r"a\.json holds values that are not objects"),
        ("a.json", '[{"a": 1, "a": 2}]', r"a\.json, value 1: an object has the key 'a' twice"),
        ("a.json", '[{"a": "é"}]'.encode("latin-1"), r"a\.json.*not in UTF-8"),
    ],
)
def test_what_is_not_json_objects_is_refused(
    read: Any, name: str, text: str | bytes, said: str
) -> None:
    """Broken JSON is an error that names the file and the place."""
    with pytest.raises(SourceDataError, match=said):
        read(name, text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('[{"json": 5}, {}]', [5, None]),
        ('{"json": 5}\n{"json": "x"}', ["5", "x"]),
        ('[{"json": {"a": 1}}, {"json": [1]}]', ['{"a":1}', "[1]"]),
        ('[{"json": null}]', [None]),
    ],
)
def test_a_key_called_json_is_a_column(read: Any, text: str, values: list[Any]) -> None:
    """As every other; DuckDB calls the column of values that are no objects so, too."""
    assert read("a.json", text)["data"].to_pylist() == [{"json": value} for value in values]


@pytest.mark.parametrize("text", ["[]", ""])
def test_nothing_is_an_empty_table(read: Any, text: str) -> None:
    """An empty array and an empty file have no rows."""
    assert read("a.json", text)["metadata"]["record_count"] == 0


def test_an_agreed_key_that_records_write_in_several_ways(project: Path) -> None:
    """It is one column, unless a record has it twice; then none of the two values is lost."""
    columns = {"id": {"type": "bigint"}, "v": {"type": "double"}}
    ingestion = {"source": {"type": "file", "url": "a.json"}, "columns": columns}
    (project / "a.json").write_text('[{"id": 1, "V": 5}, {"v": 6.5, "ID": 2}, {"id": 3}]')
    found = read_source(ingestion, {})["data"].to_pylist()
    assert found == [{"id": 1, "v": 5.0}, {"id": 2, "v": 6.5}, {"id": 3, "v": None}]
    (project / "a.json").write_text('[{"id": 1, "v": 5, "V": 7}, {"id": 2, "v": 6}]')
    rows = read_source(ingestion, {})["data"].to_pylist()
    assert rows == [{"id": 1, "v": 5.0, "V_2": 7}, {"id": 2, "v": 6.0, "V_2": None}]
