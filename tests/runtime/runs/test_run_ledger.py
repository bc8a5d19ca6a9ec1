"""What is known of earlier runs without Dagster's history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dataflow.runs.model import Step
from dataflow.runs.run_ledger import RunLedger, RunNote
from dataflow.shared.project import Project


def test_what_steps_usually_take_is_the_middle_of_earlier_runs(tmp_path: Path) -> None:
    """Of those that succeeded, of this workflow alone; of a broken ledger nothing."""
    project = Project(tmp_path)
    ledger = RunLedger(project)
    assert ledger.usual_seconds("sales") == {}
    for number, seconds in enumerate((4.0, 5.0, 90.0)):
        steps = [Step("extract", "succeeded", seconds), Step("load", "failed", 1.0)]
        ledger.note(f"run{number}", "sales", RunNote(steps))
    ledger.note("other", "orders", RunNote([Step("extract", "succeeded", 1.0)]))
    assert ledger.usual_seconds("sales") == {"extract": 5.0}
    (project.state_dir / "runs.sqlite").write_bytes(b"not a database" * 100)
    assert ledger.usual_seconds("sales") == {}


def test_what_is_usual_is_found_without_reading_the_notes_of_other_workflows(
    tmp_path: Path,
) -> None:
    """Of a hundred thousand runs nearly all are of others; also in a ledger of an older version."""
    project = Project(tmp_path)
    ledger = RunLedger(project)
    ledger.note("run", "sales", RunNote([Step("extract", "succeeded", 4.0)]))
    with closing(sqlite3.connect(project.state_dir / "runs.sqlite")) as older:
        older.execute("drop index runs_by_workflow")
    steps = [Step("extract", "succeeded", 1.0, summary="x" * 250)] * 3
    for number in range(60):
        ledger.note(f"other{number}", "orders", RunNote(steps))
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    with closing(ledger._open()) as opened:
        opened.set_progress_handler(count, 1)
        asked = "select steps from runs where workflow_id = ? limit 50"
        assert len(opened.execute(asked, ("sales",)).fetchall()) == 1
    # Instructions of SQLite: four for each note that is looked at.
    assert counted < 50
