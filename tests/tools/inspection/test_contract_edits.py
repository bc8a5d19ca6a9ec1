"""Types that people wrote into a contract, beside those of models, tests and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.config_model import Parameters
from dataflow.shared.contract import Column, Contract, OnChange
from dataflow.shared.load_settings import Load
from dataflow.shared.named_source import SourceTable
from dataflow.sources.file.settings import FileSource
from dataflow.sources.read import read_source
from dataflow_tools.inspection.agreement import agreed_answers, edits_of, settled_answers
from dataflow_tools.inspection.contract_change import ContractChange, contract_change
from dataflow_tools.inspection.source_inspection import Inspection, inspect_source

ROWS = "id,day,net\n" + "".join(f"{n},2026-01-{n:02},{n}.5\n" for n in range(1, 29))
MISFIT = "2,2026-01-02,2.5\n29,2026-13-45,3.5\n"
CONTRACT = {
    "id": Column(type="bigint"),
    "day": Column(type="date"),
    "net": Column(type="decimal(12,2)", unit="EUR"),
}


@pytest.fixture
def answers(project: Path) -> dict[str, Any]:
    """Those of the day when the workflow was made; the file has a repeated row and a bad day."""
    (project / "t.csv").write_text(ROWS + MISFIT)
    return {**inspect_source({"type": "file", "url": "t.csv"}).answers(), "table": "t"}


def change(bad_value: str) -> ContractChange:
    contract = Contract(CONTRACT, OnChange.model_validate({"bad_value": bad_value}))
    table = SourceTable("", FileSource(type="file", url="t.csv"), contract, Load(table="t"))
    return contract_change(table, Parameters())


def by_name(columns: Any) -> dict[str, dict[str, Any]]:
    return {str(column["name"]): column for column in columns}


@pytest.mark.slow
def test_a_type_changed_by_hand_is_carried_on(answers: dict[str, Any]) -> None:
    """Models get the contract's type, and the page its date; what config.yaml says is settled."""
    changes = {"t": change("quarantine")}
    assert not changes["t"]
    assert [edit.told.partition(", ")[0] for edit in edits_of(answers, changes)["t"]] == [
        "day: date in the contract",
        "net: decimal(12,2) in the contract",
    ]
    settled = settled_answers(answers, changes)
    assert by_name(settled["columns"])["net"]["contract"] == {
        "type": "decimal(12,2)",
        "unit": "EUR",
    }
    assert by_name(settled["columns"])["net"]["type"] == "DOUBLE"
    given = by_name(agreed_answers({**answers, **settled}, changes)["columns"])
    assert (given["day"]["type"], given["day"]["role"]) == ("DATE", "date")
    assert given["net"]["type"] == "DECIMAL(12,2)"
    assert given["id"] == by_name(settled["columns"])["id"]
    assert "nearly" not in given["day"]


@pytest.mark.slow
def test_a_value_that_ends_a_run_is_a_change(answers: dict[str, Any]) -> None:
    """With `bad_value: fail` the source is not as agreed, and the note says what a run does."""
    found = change("fail")
    assert found.bad == ["day"]
    assert any("row 30: '2026-13-45'" in n and "a run ends there" in n for n in found.notes)
    assert any("the row is put aside" in note for note in change("quarantine").notes)
    assert any("read as no value" in note for note in change("null").notes)


@pytest.mark.slow
def test_rows_are_counted_as_runs_count_them(answers: dict[str, Any]) -> None:
    """What `new` says names the row that a run names, repeated rows counted."""
    source = {"type": "file", "url": "t.csv"}
    notes = inspect_source(source).notes
    assert any("row 30 has '2026-13-45'" in note for note in notes)
    ingestion = {
        "source": source,
        "columns": {"id": "bigint", "day": "date", "net": "double"},
        "on_change": {"bad_value": "quarantine"},
    }
    assert read_source(ingestion, {})["rejected"]["row"].to_pylist() == [30]


def test_a_source_without_a_url_has_answers() -> None:
    """A plug-in's source, or one of a workflow's own code, may be found by any key."""
    inspection = Inspection({"type": "folder", "path": "x"}, (), (), 0, True, ())
    assert inspection.answers()["source_type"] == "folder"
    assert "source_url" not in inspection.answers()
