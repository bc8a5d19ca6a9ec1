"""What is known of earlier runs without Dagster's history."""

from __future__ import annotations

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
