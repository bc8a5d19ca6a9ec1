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
