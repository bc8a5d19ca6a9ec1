"""Runs that Dagster starts: held as a whole, seen at their end, or taken up after a failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dagster import DagsterRunStatus
from tests.runtime.runs.stall import Stall

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
