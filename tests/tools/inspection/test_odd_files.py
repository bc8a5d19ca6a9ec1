"""Odd files are read rightly with what `new` proposes, or refused by name."""

from __future__ import annotations

import ast
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataflow.shared.errors import DataflowError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import Inspection, inspect_source

FOLDER = Path(__file__).parents[2] / "cases"
CASES: list[dict[str, Any]] = yaml.safe_load(
    (FOLDER / "odd_files.yaml").read_text(encoding="utf-8")
)


def plain(value: Any) -> Any:
    """Dates and decimals as text, as YAML has them."""
    return str(value) if isinstance(value, Decimal | date | datetime) else value


def read_again(inspection: Inspection) -> Any:
    """The rows that a run gets with what the inspection wrote down."""
    answers = inspection.answers()
    written = {"type": "file", "url": answers["source_url"], "null_values": answers["null_values"]}
    return read_source({**written, **answers.get("source_settings", {})}, {})["data"]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_odd_file(project: Path, case: dict[str, Any]) -> None:
    """A file of each kind gives its values, and what is unsure or left out is said."""
    if "bytes" in case:
        content: bytes = ast.literal_eval(f"b'{case['bytes']}'")
    else:
        content = case["text"].encode(case.get("encoding", "utf-8"))
    (project / case["file"]).write_bytes(content)
    source = {"type": "file", "url": case["file"], **case.get("given", {})}
    if "refused" in case:
        with pytest.raises(DataflowError) as caught:
            inspect_source(source)
        assert case["refused"] in str(caught.value)
        return
    inspection = inspect_source(source)
    settings = inspection.answers().get("source_settings", {})
    for name, value in case.get("proposed", {}).items():
        assert settings.get(name) == value, (name, settings)
    table = read_again(inspection)
    rows = [{key: plain(value) for key, value in row.items()} for row in table.to_pylist()]
    if "rows" in case:
        assert rows == case["rows"]
    if "count" in case:
        assert len(rows) == case["count"]
    if "columns" in case:
        assert table.column_names == case["columns"]
    assert inspection.units == case.get("units", {})
    for part in case.get("said", []):
        assert any(part in note for note in inspection.notes), (part, inspection.notes)


GIVEN: dict[str, tuple[dict[str, Any], int, dict[str, str], str]] = {
    "title_lines.csv": ({"delimiter": ";", "skip_lines": 2}, 28, {}, "first 2 lines are left out"),
    "footer_total.csv": ({"footer_lines": 1}, 28, {}, "'Total, 406, 4263.0'"),
    "comments_with_commas.csv": ({"comment": "#"}, 28, {}, "skipped as comments"),
    "two_headers.csv": ({"units_row": True}, 28, {"temp": "degC", "wind": "m/s"}, "holds units"),
    "namibia_with_na_numbers.csv": ({}, 10, {}, "'NA' in gdp"),
    "dupes_real.csv": ({}, 6, {}, "no primary key"),
    "json_bom.json": ({}, 1, {}, ""),
    "json_map.json": ({"records": "map"}, 30, {}, "one record for each of 30 keys"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GIVEN)
def test_given_file(project: Path, name: str) -> None:
    """The files that were once read wrongly are read as they are meant."""
    settings, count, units, said = GIVEN[name]
    (project / name).write_bytes((FOLDER / "files" / name).read_bytes())
    inspection = inspect_source({"type": "file", "url": name})
    assert inspection.answers().get("source_settings", {}) == settings
    assert (read_again(inspection).num_rows, inspection.units) == (count, units)
    assert any(said in note for note in inspection.notes)


@pytest.mark.slow
def test_keys_of_the_given_files(project: Path) -> None:
    """Namibia stays a key; sales that are alike have none; measures are numbers."""
    for name in GIVEN:
        (project / name).write_bytes((FOLDER / "files" / name).read_bytes())
    found = {name: inspect_source({"type": "file", "url": name}) for name in GIVEN}
    assert found["namibia_with_na_numbers.csv"].primary_key == ("iso2",)
    assert found["dupes_real.csv"].primary_key == ()
    roles = [column.role for column in found["title_lines.csv"].columns]
    assert roles.count("measure") == 2
    assert [column.role for column in found["comments_with_commas.csv"].columns] == [
        "date",
        "measure",
    ]
    table = read_again(found["namibia_with_na_numbers.csv"]).to_pydict()
    assert table["iso2"][0] == "NA"
    assert table["gdp"][:2] == [None, 10]
