"""What is said of columns that a few values keep from a type."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dataflow.shared.contract import written_type
from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "misfit", "first"),
    [
        ([f"{day:02}/03/2024" for day in range(1, 29)], "31/02/2024", "2024-03-01"),
        ([f"03/{day:02}/2024" for day in range(1, 29)], "02/31/2024", "2024-03-01"),
        ([f"2024-03-{day:02}" for day in range(1, 29)], "soon", "2024-03-01"),
        ([f"{number}.25" for number in range(28)], "many", "0.25"),
        ([str(number) for number in range(28)], "many", "0"),
    ],
)
def test_what_is_advised_reads_all_but_the_misfit(
    project: Path, values: list[str], misfit: str, first: str
) -> None:
    """The line for `ingestion.columns` that a note gives is right as it stands there."""
    rows = [f"{index},{value}" for index, value in enumerate([*values, misfit])]
    (project / "t.csv").write_text("\n".join(["id,v", *rows]) + "\n")
    source = {"type": "file", "url": "t.csv"}
    inspection = inspect_source(source)
    (note,) = [note for note in inspection.notes if "values are each a" in note]
    assert "28 of 29 values are each a" in note
    assert f"row 29 has {misfit!r}" in note
    column = yaml.safe_load(note.split("set it to `")[1].split("`")[0])
    # Which the sample of the tests has, so that it fits before and after.
    answer = inspection.answers()["columns"][1]
    assert answer["type"] == "VARCHAR"
    assert written_type(answer["nearly"]) == column["type"]
    ingestion = {
        "source": source,
        "columns": {"id": {"type": "bigint"}, "v": column},
        "on_change": {"bad_value": "quarantine"},
    }
    read = read_source(ingestion, {})
    assert read["data"].num_rows == 28
    assert str(read["data"]["v"][0].as_py()) == first
    assert read["rejected"].num_rows == 1
