"""JSON is read as its contract says: by keys of any case, as texts, with all of its digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.contract import Column, Contract, OnChange
from dataflow.sources.documents import NotObjectsError, read_documents
from dataflow.sources.errors import SourceDataError
from dataflow.sources.inference import TypedTable
from dataflow.sources.local_file import LocalFile


def read(
    folder: Path, *texts: str, columns: dict[str, str] | None = None, **named: Any
) -> TypedTable:
    files = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.json"
        path.write_text(text, encoding="utf-8")
        files.append(LocalFile(path, path.name, "json"))
    agreed = {name: Column(type=kind) for name, kind in (columns or {}).items()}
    contract = Contract(agreed, OnChange()) if columns is not None else None
    return read_documents(files, contract=contract, **named)


TEXT, NUMBER = {"v": "text"}, {"v": "double"}


@pytest.mark.parametrize(
    ("values", "columns", "came"),
    [
        ([1.5, 5], TEXT, ["1.5", "5"]),
        ([1.5, 5], NUMBER, [1.5, 5.0]),
        (["2024-01-01", "x"], TEXT, ["2024-01-01", "x"]),
        (["2024-01-01"], {"v": "date"}, ["2024-01-01"]),
        ([1, "x"], NUMBER, ["1", "x"]),
        ([2**53 + 0.0, 5.5], NUMBER, [float(2**53), 5.5]),
        ([2**53 + 1, 5.5], NUMBER, [str(2**53 + 1), "5.5"]),
        ([-(2**53) - 1, 5.5], NUMBER, [str(-(2**53) - 1), "5.5"]),
        ([2**53 - 1, 5.5], NUMBER, [float(2**53 - 1), 5.5]),
        ([1e300, 5.5], NUMBER, [1e300, 5.5]),
    ],
)
def test_values_come_as_the_contract_reads_them(
    tmp_path: Path, values: list[Any], columns: dict[str, str], came: list[Any]
) -> None:
    """Texts are left for it to read, and so are numbers that a double would change."""
    typed = read(tmp_path, json.dumps([{"v": value} for value in values]), columns=columns)
    assert typed.table["v"].to_pylist() == came
    assert not typed.notes


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([[1, 2]], True),
        ([{"a": 1}], True),
        ([[1], "x"], True),
        (["x", "[y"], False),
        (["{", 5], False),
        (["x", None], False),
    ],
)
def test_lists_and_objects_in_a_column_of_texts_are_told(
    tmp_path: Path, values: list[Any], *, told: bool
) -> None:
    """They are loaded as their JSON; texts that begin like it are none."""
    typed = read(tmp_path, json.dumps([{"v": value} for value in values]), columns=TEXT)
    assert bool(typed.notes) is told
    assert not read(tmp_path, json.dumps([{"w": [1]}, {"v": 1.5}]), columns=TEXT).notes


@pytest.mark.parametrize(
    ("records", "columns", "rows"),
    [
        ([{"V": 1}, {"v": 2}], NUMBER, [{"v": 1}, {"v": 2}]),
        ([{"V": 1}, {"v": "x"}], TEXT, [{"v": "1"}, {"v": "x"}]),
        ([{"V": 1, "v": 2}], NUMBER, [{"V_2": 1, "v": 2}]),
        ([{"V": [1]}, {"v": 2}], TEXT, [{"V_2": [1], "v": None}, {"V_2": None, "v": 2}]),
        ([{"V": 1}, {"v": 2}], {"w": "text"}, [{"V": 1, "v_2": None}, {"V": None, "v_2": 2}]),
        (
            [{"V": 1}, {"v": 2}],
            {"v": "double", "V_2": "double"},
            [{"V_2": 1, "v": None}, {"V_2": None, "v": 2}],
        ),
        ([{"v": 1, "v_1": 2}], NUMBER, [{"v": 1, "v_1": 2}]),
    ],
)
def test_keys_that_differ_by_case(
    tmp_path: Path, records: list[Any], columns: dict[str, str], rows: list[Any]
) -> None:
    """They are one agreed column, unless a record has two of them, or two were agreed."""
    typed = read(tmp_path, json.dumps(records), columns=columns)
    assert typed.table.to_pylist() == rows


@pytest.mark.parametrize(
    ("records", "rows"),
    [
        (
            [{"id": 1.5, "ID": "x"}, {"ID": 5}],
            [{"id": 1.5, "ID_1": "x"}, {"id": None, "ID_1": "5"}],
        ),
        ([{"": 1, "a": 2**53 + 1}, {"a": 0.5}], None),
    ],
)
def test_keys_that_duckdb_calls_by_other_names(
    tmp_path: Path, records: list[Any], rows: list[Any] | None
) -> None:
    """Their values are found again where a column has to be read as text."""
    table = read(tmp_path, json.dumps(records)).table
    if rows is None:
        assert table["a"].to_pylist() == [str(2**53 + 1), "0.5"]
        return
    assert [list(row.values()) for row in table.to_pylist()] == [list(row.values()) for row in rows]


def test_digits_that_are_kept_are_told(tmp_path: Path) -> None:
    """Unless a contract says what they are."""
    long = "12345678901234567890.12"
    typed = read(tmp_path, f'[{{"v": {long}}}]')
    assert (typed.table["v"].to_pylist(), len(typed.notes)) == ([long], 1)
    assert not read(tmp_path, f'[{{"v": {long}}}]', columns=TEXT).notes
    told = read(tmp_path, f'[{{"v": {2**53 + 1}}}, {{"v": 1.5}}, {{"w": 1}}, {{"w": "x"}}]').notes
    assert any("'v' is text: it has whole numbers" in note for note in told)
    assert any("'w' has values of several kinds" in note for note in told)
    assert len(told) == 2


def test_texts_that_mean_nothing(tmp_path: Path) -> None:
    """In all columns or by column; in nested values nothing is changed."""
    text = '[{"v": "NA", "w": "NA", "x": ["NA"], "y": 1}, {"v": "b", "w": "c", "y": "NA"}]'
    row = read(tmp_path, text, null_values=["NA"]).table.to_pylist()
    assert row == [
        {"v": None, "w": None, "x": ["NA"], "y": "1"},
        {"v": "b", "w": "c", "x": None, "y": None},
    ]
    row = read(tmp_path, text, null_values={"V": ["NA"]}).table.to_pylist()
    assert [each["v"] for each in row] == [None, "b"]
    assert [each["w"] for each in row] == ["NA", "c"]


def test_many_large_numbers(tmp_path: Path) -> None:
    """They are looked through as exactly as few are."""
    rows = "\n".join(['{"v": 0.5}'] * 20_000)
    whole = read(tmp_path, f'{rows}\n{{"v": {2**53 + 1}}}', lines=True).table
    assert whole["v"].to_pylist()[-1] == str(2**53 + 1)
    assert str(read(tmp_path, f'{rows}\n{{"v": 7.5}}', lines=True).table["v"].type) == "double"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (['[{"a": 1}]', '[{"a": 1}, {"a"'], r"^1\.json, value"),
        (['{"a": 1}\n{"a": 1, "a": 2}'], r"0\.json, line 2: an object has the key 'a' twice"),
        (["[5, 6]"], "not objects"),
        (["[[1], [2]]"], "not objects"),
        (['["x"]'], "not objects"),
    ],
)
def test_a_fault_is_told_with_its_file(tmp_path: Path, texts: list[str], said: str) -> None:
    """And the place in it."""
    with pytest.raises(SourceDataError, match=said) as caught:
        read(tmp_path, *texts)
    assert isinstance(caught.value, NotObjectsError) is (said == "not objects")


def test_an_empty_file_beside_others_adds_nothing(tmp_path: Path) -> None:
    """Neither rows nor columns."""
    assert read(tmp_path, "[]", '[{"a": 1}]').table.to_pylist() == [{"a": 1}]
    assert read(tmp_path, "[]").table.num_columns == 0
