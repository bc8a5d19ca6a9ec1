"""JSON whose rows are lists of values: `new` finds how to read it, and day two is read so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import js
from tests.source_fixtures import Server
from tests.tools.inspection.test_second_days import agreed

from dataflow.sources.errors import SourceDataError, SourceError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source

# What is said, a document of day one, and one of day two with the columns in another order.
SHAPES: dict[str, tuple[dict[str, str], Any, Any]] = {
    "a header first": (
        {"records": "rows"},
        [["id", "city"], [1, "Oslo"], [2, "Rome"]],
        [["city", "id"], ["Bern", 3]],
    ),
    "names beside": (
        {"records": "rows", "data_path": "data", "names_path": "columns"},
        {"columns": ["id", "city"], "index": [0, 1, 2], "data": [[1, "Oslo"], [2, "Rome"]]},
        {"columns": ["city", "id"], "index": [0], "data": [["Bern", 3]]},
    ),
    "names in objects": (
        {"records": "rows", "data_path": "rows", "names_path": "columns"},
        {"columns": [{"name": "id"}, {"name": "city"}], "rows": [[1, "Oslo"], [2, "Rome"]]},
        {"columns": [{"name": "city"}, {"name": "id"}], "rows": [["Bern", 3]]},
    ),
    "names within": (
        {"records": "rows", "data_path": "data", "names_path": "meta.view.columns"},
        {
            "meta": {"view": {"columns": [{"fieldName": "id"}, {"fieldName": "city"}]}},
            "data": [[1, "Oslo"], [2, "Rome"]],
        },
        {
            "meta": {"view": {"columns": [{"fieldName": "city"}, {"fieldName": "id"}]}},
            "data": [["Bern", 3]],
        },
    ),
    "a list for each column": (
        {"records": "columns", "data_path": "hourly"},
        {"place": "x", "hourly": {"id": [1, 2], "city": ["Oslo", "Rome"]}},
        {"place": "x", "hourly": {"city": ["Bern"], "id": [3]}},
    ),
}
NEXT = [{"id": 3, "city": "Bern"}]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_a_file_of_lists(project: Path, name: str) -> None:
    """Columns are found by their names on day two, and a lost one is missed."""
    settings, first, second = SHAPES[name]
    (project / "a.json").write_text(json.dumps(first), encoding="utf-8")
    ingestion = agreed("a.json")
    assert settings.items() <= ingestion["source"].items()
    rows = read_source(ingestion, {})["data"].to_pylist()
    assert rows == [{"id": 1, "city": "Oslo"}, {"id": 2, "city": "Rome"}]
    (project / "a.json").write_text(json.dumps(second), encoding="utf-8")
    assert read_source(ingestion, {})["data"].to_pylist() == NEXT
    lost = json.dumps(second).replace("city", "town")
    (project / "a.json").write_text(lost, encoding="utf-8")
    with pytest.raises(SourceError, match="no longer has 'city'"):
        read_source(ingestion, {})


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_an_api_of_lists(server: Server, name: str) -> None:
    """The same of an answer."""
    settings, first, second = SHAPES[name]
    url = server.answer("/x", js(first))
    source = {"type": "api", "url": url, "paging": {"type": "none"}}
    inspection = inspect_source(source)
    answers = inspection.answers()
    found = {**answers["source_settings"], "data_path": answers.get("data_path")}
    assert {name: found.get(name) for name in settings} == settings
    assert any("The answer" in note for note in inspection.notes)
    server.answer("/x", js(second))
    assert read_source({**source, **settings}, {})["data"].to_pylist() == NEXT


@pytest.mark.parametrize(
    ("settings", "document", "said"),
    [
        ({"records": "rows"}, [["a", "b"], [1, 2], [3]], "list 3: there are 1 values, and 2 names"),
        ({"records": "rows"}, [["a", 1], ["b", 2]], "no names of columns in its first list"),
        ({"records": "rows"}, {"a": 1}, "is not a list of rows"),
        ({"records": "rows", "data_path": "x"}, {"a": 1}, "has nothing at 'x'"),
        ({"records": "rows", "names_path": "x"}, [[1]], "no names of columns at 'x'"),
        ({"records": "columns"}, {"a": [1], "b": [1, 2]}, "not equally long"),
        ({"records": "columns"}, {"a": [1], "b": 3}, "'b' is no list"),
        ({"records": "columns"}, [1], "not an object"),
    ],
)
def test_another_shape_is_refused(
    project: Path, settings: dict[str, str], document: Any, said: str
) -> None:
    """A document that is no longer as it was said to be is named."""
    (project / "a.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SourceDataError, match=said):
        read_source({"type": "file", "url": "a.json", **settings}, {})


def test_what_describes_columns_is_no_record(server: Server) -> None:
    """An answer of lists that nobody spoke of is refused, and says what to set."""
    url = server.answer("/x", js(SHAPES["names in objects"][1]))
    with pytest.raises(SourceDataError, match="lists of values in 'rows'") as caught:
        read_source({"type": "api", "url": url, "paging": {"type": "none"}}, {})
    assert "names_path: columns" in caught.value.instruction


def test_rows_without_names_are_told(project: Path) -> None:
    """No name is made up where there is none."""
    (project / "a.json").write_text('{"data": [[1, 2], [3, 4]], "unit": "m"}', encoding="utf-8")
    notes = inspect_source({"type": "file", "url": "a.json"}).notes
    assert any("rows without names, as lists in 'data'" in note for note in notes)
