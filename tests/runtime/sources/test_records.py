"""Records are found in an answer or a document, and kept as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dataflow.sources.errors import SourceDataError
from dataflow.sources.exact_numbers import is_a_double
from dataflow.sources.file.json_file import read_json_files
from dataflow.sources.file.settings import FileSource
from dataflow.sources.local_file import LocalFile
from dataflow.sources.records import (
    MISSING,
    JsonLines,
    OtherShapeError,
    extract_records,
    find_records,
    lists_of_lists,
    lists_of_records,
    parted,
    read_json,
    value_at,
)

ONE: dict[str, Any] = {"id": 1}
TWO: dict[str, Any] = {"id": 2}


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_records_are_added_to_a_file(tmp_path: Path) -> None:
    """One by one or all at once, after those that are there; without any it is an empty file."""
    lines = JsonLines(tmp_path / "a")
    assert (lines.path.read_bytes(), lines.count) == (b"", 0)
    lines.add([ONE])
    lines.add([])
    more: list[dict[str, Any]] = [TWO, {"t": "é"}]
    lines.add(more, ['{"id":2}', '{"t":"é"}'])
    lines.add([], [])
    assert (lines_of(lines.path), lines.count) == ([ONE, TWO, {"t": "é"}], 3)


@pytest.mark.parametrize("at_hand", [False, True])
def test_half_a_character_is_refused_by_its_place(tmp_path: Path, *, at_hand: bool) -> None:
    """By the number of its record among all, its key, and what stands around it."""
    lines = JsonLines(tmp_path / "a")
    lines.add([ONE])
    records: list[dict[str, Any]] = [
        {"a": "ok"},
        {"a": "ok", "b": ["x" * 20 + "\ud83d" + "y" * 20]},
    ]
    given = [json.dumps(each, ensure_ascii=False) for each in records] if at_hand else None
    with pytest.raises(SourceDataError) as caught:
        lines.add(records, given)
    said = str(caught.value)
    assert "Record 3 has half a character in 'b', \\ud83d" in said
    assert f"'{'x' * 12}?{'y' * 12}'" in said


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        ({"a": {"b": None}}, "a.b", None),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a": 1}, "b", MISSING),
        ({"a": 1}, "a.b", MISSING),
        ({"a": {}}, "a.b", MISSING),
        ([1], "a", MISSING),
    ],
)
def test_a_value_at_a_path(document: Any, path: str, value: Any) -> None:
    """Of keys with points between them, which keys may have themselves."""
    assert value_at(document, path) is value or value_at(document, path) == value


@pytest.mark.parametrize(
    ("document", "path", "records"),
    [
        ([ONE, TWO], None, [ONE, TWO]),
        (ONE, None, [ONE]),
        ([], None, []),
        (None, None, []),
        ({"data": [ONE, TWO], "n": 2}, None, [ONE, TWO]),
        ({"a": {"b": {"c": [ONE]}}}, None, [ONE]),
        ({"a": {"b": {"c": {"d": [ONE]}}}}, None, [{"a": {"b": {"c": {"d": [ONE]}}}}]),
        ({"data": [], "n": 0}, None, []),
        ({"data": [ONE], "links": [TWO]}, None, [ONE]),
        ({"data": [], "links": [TWO]}, None, []),
        ({"data": [ONE], "tags": []}, None, [ONE]),
        ({"data": [], "links": []}, None, []),
        ({"links": [TWO]}, None, [TWO]),
        ({"data": {"rows": [ONE], "errors": [TWO]}}, None, [ONE]),
        ({"data": [ONE], "others": [TWO]}, "others", [TWO]),
        ({"data": ONE}, "data", [ONE]),
        ({"data": None}, "data", []),
        ({"names": ["a", "b"], "data": [ONE]}, None, [ONE]),
        ({"names": ["a", "b"]}, None, [{"names": ["a", "b"]}]),
    ],
)
def test_the_records_of_an_answer(document: Any, path: str | None, records: Any) -> None:
    """At their path; else the one list of objects that does not only stand beside records."""
    assert find_records(document, path, "it") == records


@pytest.mark.parametrize(
    ("document", "path", "said"),
    [
        ({"a": 1, "b": 2}, "c", "nothing at 'c'; it has 'a', 'b'"),
        ([ONE], "c", "it has no keys"),
        ({"a": [ONE], "b": [TWO]}, None, "several lists of records: a, b"),
        ([1, 2], None, "not objects"),
        ([ONE, None], None, "not objects"),
        ({"a": 5}, "a", "not objects"),
        ({"a": [ONE, None]}, None, "not objects"),
        ({"columns": [ONE], "data": [[1]]}, None, "rows as lists of values in 'data'"),
    ],
)
def test_where_records_are_is_not_guessed(document: Any, path: str | None, said: str) -> None:
    """What may be several, or nothing, is refused with the setting that would say it."""
    with pytest.raises(SourceDataError) as caught:
        find_records(document, path, "it")
    assert said in caught.value.reason
    if "columns" in str(document):
        assert isinstance(caught.value, OtherShapeError)
        assert caught.value.document == document
        assert "`names_path: columns`" in caught.value.instruction


def test_what_is_said_of_records_in_a_list_with_them() -> None:
    """It is told from the records, also where there are none."""
    page = {"page": 1, "total": 2}
    assert parted([page, [ONE]]) == {"0": page, "1": [ONE]}
    assert parted([page, []]) == {"0": page, "1": []}
    assert parted([{"total": 0}, None]) == {"0": {"total": 0}, "1": []}
    assert parted([{"total": 1}, None]) == [{"total": 1}, None]
    assert parted([page, [1]]) == [page, [1]]
    assert parted([page, [None]]) == [page, [None]]
    assert parted([ONE, TWO]) == [ONE, TWO]


def test_lists_within_a_document() -> None:
    """Those of several objects, and of one that is like them; and those of lists."""
    found = lists_of_records({"a": [ONE, TWO], "b": [{"id": 3}], "c": [{"x": 1}], "d": []})
    assert found == {"a": 2, "b": 1}
    assert lists_of_records({"a": {"b": [None, ONE]}, "c": [1, 2]}) == {"a.b": 2}
    assert lists_of_records([ONE, TWO]) == {}
    rows = [[1], [2]]
    assert lists_of_lists({"a": rows, "b": {"c": rows, "d": [1]}, "e": [], "f": [[1], 2]}) == {
        "a": rows,
        "b.c": rows,
    }
    assert lists_of_lists(rows) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_json_tells_its_encoding(tmp_path: Path, encoding: str) -> None:
    """By its first bytes."""
    (tmp_path / "a.json").write_text('[{"a": "é"}]', encoding=encoding)
    file = LocalFile(tmp_path / "a.json", "a.json", "json")
    assert read_json(file) == [{"a": "é"}]
    [lines] = extract_records([replaced(tmp_path, '{"x": [{"a": 1}]}')], "x", tmp_path)
    assert (lines_of(lines.path), lines.format, lines.shown) == ([{"a": 1}], "jsonl", "b.json")


def replaced(folder: Path, text: str, name: str = "b.json") -> LocalFile:
    (folder / name).write_text(text, encoding="utf-8")
    return LocalFile(folder / name, name, name.rpartition(".")[2])


@pytest.mark.parametrize("text", ['{"a": 1', "[" * 200_000, '{"a": 1, "a": 2}'])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    """With the name of the file."""
    with pytest.raises(SourceDataError, match=r"b\.json is not JSON"):
        read_json(replaced(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1.5", True),
        ("9007199254740993", False),
        ("-9007199254740992", True),
        ("1.50e10", True),
        ("0.001", True),
        ("0.12345678901234567890", False),
        ("1e400", False),
        ("100000000000000000000", True),
    ],
)
def test_numbers_that_a_double_holds(text: str, *, answer: bool) -> None:
    """Those that it is equal to, and those that are written as it is printed."""
    assert is_a_double(text) is answer


@pytest.mark.parametrize(
    ("text", "given", "rows"),
    [
        ('[["id"], [1], [2]]', {"records": "rows"}, [ONE, TWO]),
        ('{"id": [1, 2]}', {"records": "columns"}, [ONE, TWO]),
        (
            '{"x": {"id": 1}, "y": {"id": 2}}',
            {"records": "map"},
            [{"key": "x", **ONE}, {"key": "y", **TWO}],
        ),
        ('{"r": [{"id": 1}, {"id": 2}]}', {"data_path": "r"}, [ONE, TWO]),
        ('{"r": [{"id": 1}, {"id": 2}]}', {"data_path": "r", "records": "list"}, [ONE, TWO]),
        ('[{"id": 1}]\n[{"id": 2}]', {}, [ONE, TWO]),
        ('[{"id": 1}] [] [{"id": 2}]  ', {}, [ONE, TWO]),
    ],
)
def test_json_files_of_several_shapes(
    tmp_path: Path, text: str, given: dict[str, Any], rows: list[Any]
) -> None:
    """As the settings say; lists after one another are one."""
    settings = FileSource.model_validate({"type": "file", "url": "b.json", **given})
    typed = read_json_files([replaced(tmp_path, text)], tmp_path, settings)
    assert typed.table.to_pylist() == rows
    assert not typed.notes


def test_lists_after_one_another_in_several_files(tmp_path: Path) -> None:
    """All of them are one table; what is in no list of objects is refused."""
    settings = FileSource.model_validate({"type": "file", "url": "*.json"})
    files = [replaced(tmp_path, '[{"id": 1}]\n[{"id": 2}]', name) for name in ("b.json", "c.json")]
    assert read_json_files(files, tmp_path, settings).table.to_pylist() == [ONE, TWO] * 2
    for text in ('[{"id": 1}]\n[5]', '[{"id": 1}]\n[2', "[1, 2]"):
        with pytest.raises(SourceDataError):
            read_json_files([replaced(tmp_path, text)], tmp_path, settings)


def test_one_row_that_looks_like_many_is_told(tmp_path: Path) -> None:
    """An object of like objects is read as one row, unless it is said what it is."""
    text = '{"x": {"id": 1}, "y": {"id": 2}}'
    settings = FileSource.model_validate({"type": "file", "url": "b.json"})
    typed = read_json_files([replaced(tmp_path, text)], tmp_path, settings)
    assert typed.table.num_rows == 1
    assert "looks like one record for each key" in typed.notes[-1]
    said = settings.model_copy(update={"records": "list"})
    assert not read_json_files([replaced(tmp_path, text)], tmp_path, said).notes
    line = replaced(tmp_path, text, "b.jsonl")
    assert not read_json_files([line], tmp_path, settings).notes
    for other in ('{"x": {"id": 1}, "n": 5}', f"[{text}, {text}]"):
        assert not read_json_files([replaced(tmp_path, other)], tmp_path, settings).notes
