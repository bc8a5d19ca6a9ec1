"""A file is read on day two by what `new` wrote down on day one, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
import yaml

from dataflow.shared.errors import DataflowError
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "cases" / "second_days.yaml").read_text(encoding="utf-8")
)


def agreed(name: str, **given: Any) -> dict[str, Any]:
    """`ingestion` of config.yaml, as `new` writes it for a file."""
    inspection = inspect_source({"type": "file", "url": name, **given})
    answers = inspection.answers()
    source = {"type": "file", "url": name, "null_values": answers["null_values"]}
    columns = {
        column["name"]: column["contract"] for column in answers["columns"] if "contract" in column
    }
    return {"source": {**source, **answers.get("source_settings", {})}, "columns": columns}


def write(project: Path, day: str | dict[str, str]) -> None:
    given = {"text": day} if isinstance(day, str) else day
    (project / "a.csv").write_bytes(given["text"].encode(given.get("encoding", "utf-8")))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_day_two(project: Path, case: dict[str, Any]) -> None:
    """The values of day two are those that were written, whatever else has changed, or it is told.

    What is as it was on day one is read without a word.
    """
    write(project, case["days"][0])
    ingestion = agreed("a.csv", **case.get("given", {}))
    read_source(ingestion, {})
    write(project, case["days"][1])
    if "refused" in case:
        with pytest.raises(DataflowError) as caught:
            read_source(ingestion, {})
        assert case["refused"] in str(caught.value)
        return
    result = read_source(ingestion, {})
    texts = [column for column, agreed in ingestion["columns"].items() if "(" in agreed["type"]]
    rows = [
        {name: str(value) if name in texts else value for name, value in row.items()}
        for row in result["data"].to_pylist()
    ]
    assert rows == case["rows"]
    for part in case.get("said", []):
        assert any(part in note for note in result["metadata"]["notes"]), result["metadata"]


def save(project: Path, *rows: list[Any]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(project / "a.xlsx")


def test_a_sheet_whose_title_is_gone(project: Path) -> None:
    """The names of the contract are found in another row of the sheet."""
    save(project, ["Report"], [], ["id", "v"], [1, 5], [2, 6])
    ingestion = agreed("a.xlsx")
    save(project, ["id", "v"], [1, 5], [2, 6], [3, 8])
    result = read_source(ingestion, {})
    assert [row["v"] for row in result["data"]] == [5, 6, 8]
    assert any("stand in row 1 now" in note for note in result["metadata"]["notes"])


def test_a_sheet_that_gets_a_total(project: Path) -> None:
    """A total that nobody spoke of is not read as a row of a sheet either."""
    save(project, ["region", "n"], ["A", 1], ["B", 2], ["C", 4])
    ingestion = agreed("a.xlsx")
    save(project, ["region", "n"], ["A", 1], ["B", 2], ["C", 4], ["Total", 7])
    with pytest.raises(DataflowError, match="footer_lines: 1"):
        read_source(ingestion, {})
