"""Runs that Dagster starts: held as a whole, seen at their end, or taken up after a failure."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from dagster import DagsterRunStatus
from tests.runtime.runs.stall import CONFIG, Stall

from dataflow.runs.run_ledger import RunLedger
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from pathlib import Path


def ended(stall: Stall) -> Any:
    """How the index page of the dashboards says that the last run ended."""
    manifest = stall.project.state_dir / "site" / "public" / "data" / "manifest.json"
    return json.loads(manifest.read_text())["workflows"]["stall"]["run"]["status"]


def test_a_run_that_failed_shows_nothing_until_it_is_taken_up(tmp_path: Path) -> None:
    """The run that goes on leaves out what was done, and tells Dagster of what both have made."""
    stall = Stall(tmp_path / "shop")
    (stall.root / "fail").touch()

    failed, _ = stall.launch()

    assert failed.status is DagsterRunStatus.FAILURE
    assert not visible_warehouse(stall.project, "stall").exists()
    assert stall.made("raw", "sales") == {}
    assert ended(stall) == "failure"
    kept = RunLedger(stall.project).notes([failed.run_id])[failed.run_id]
    assert kept.rejected_rows == 1
    assert [step.status for step in kept.steps] == [*["succeeded"] * 3, "failed"]
    (stall.root / "fail").unlink()
    # What comes in the meantime is for the run after it.
    stall.rows("9,9")

    again, events = stall.launch(failed.run_id)

    assert again.status is DagsterRunStatus.SUCCESS
    assert {event.step_key for event in events if event.is_step_success} == {"publish_stall"}
    assert stall.ask("SELECT id FROM raw.sales ORDER BY id") == [(1,), (2,)]
    assert stall.made("raw", "sales")["rows_loaded"] == 2
    assert stall.made("dashboard")["rows"] == 2
    assert ended(stall) == "success"
    assert not (stall.project.state_dir / "runs" / "stall" / again.run_id).exists()


def test_a_run_is_taken_up_on_a_machine_that_has_the_shared_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its steps noted and staged is there, and where the tables are that it had loaded.

    Rows that the failed run had added already are not added again.
    """
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("DATAFLOW_STATE_STORE", str(tmp_path / "shared"))
    monkeypatch.setenv("DATAFLOW_ALL_OR_NOTHING", "false")
    stall = Stall(tmp_path / "shop")
    stall.configure(CONFIG.replace("{table: sales}", "{table: sales, write_disposition: append}"))
    (stall.root / "fail late").touch()

    failed, _ = stall.launch()

    assert failed.status is DagsterRunStatus.FAILURE
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(2,)]
    shared = tmp_path / "shared" / "runs" / "stall" / failed.run_id
    assert {"extract.parquet", "rejected.parquet"} & {path.name for path in shared.iterdir()}
    (stall.root / "fail late").unlink()
    there = stall.copied(tmp_path / "there")
    for each in (stall, there):
        shutil.rmtree(each.project.state_dir / "runs")
    shutil.rmtree(there.project.dagster_home / "storage")
    stall.rows("9,9")

    again, _ = there.launch(failed.run_id)

    assert again.status is DagsterRunStatus.SUCCESS
    assert there.ask("SELECT id FROM raw.sales ORDER BY id") == [(1,), (2,)]
