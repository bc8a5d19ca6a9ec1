"""What is known of earlier runs without Dagster's history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dataflow.runs.model import LEFT_OUT, Step
from dataflow.runs.run_ledger import _LATEST_STEPS, RunLedger, RunNote
from dataflow.shared.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    return Project(tmp_path)


def test_what_steps_usually_take_is_the_middle_of_earlier_runs(project: Project) -> None:
    """Of those that succeeded, of this workflow alone; of a broken ledger nothing."""
    ledger = RunLedger(project)
    assert ledger.usual_seconds("sales") == {}
    for number, seconds in enumerate((4.0, 5.0, 90.0)):
        steps = [Step("extract", "succeeded", seconds), Step("load", "failed", 1.0)]
        ledger.note(f"run{number}", "sales", RunNote(steps))
    ledger.note("other", "orders", RunNote([Step("extract", "succeeded", 1.0)]))
    assert ledger.usual_seconds("sales") == {"extract": 5.0}
    (project.state_dir / "runs.sqlite").write_bytes(b"not a database" * 100)
    assert ledger.usual_seconds("sales") == {}


def test_the_latest_runs_tell_what_is_usual(project: Project) -> None:
    """A hundred fast runs of long ago say nothing of today; ids are in no order."""
    ledger = RunLedger(project)
    for number in range(100):
        seconds = 1.0 if number < 50 else 60.0
        steps = [Step("extract", "succeeded", seconds)]
        ledger.note(f"{number * 37 % 100:03}", "sales", RunNote(steps))
    assert ledger.usual_seconds("sales") == {"extract": 60.0}


def test_steps_that_were_left_out_took_no_time(project: Project) -> None:
    """A run for the dashboard alone says nothing of how long a whole one reads."""
    ledger = RunLedger(project)
    ledger.note("whole", "sales", RunNote([Step("extract", "succeeded", 60.0)]))
    left_out = Step("extract", "succeeded", 0.01, f"{LEFT_OUT}; this run is for models only")
    for number in range(3):
        ledger.note(f"part{number}", "sales", RunNote([left_out]))
    assert ledger.usual_seconds("sales") == {"extract": 60.0}


def test_a_ledger_of_runs_without_a_time_goes_on(project: Project) -> None:
    """What it knows stays; those that ended since come first."""
    project.state_dir.mkdir(parents=True)
    with closing(sqlite3.connect(project.state_dir / "runs.sqlite")) as ledger, ledger:
        ledger.execute(
            "create table runs (run_id text primary key, workflow_id text not null, "
            "steps text not null, rejected integer) without rowid"
        )
        ledger.execute("insert into runs values ('old', 'sales', '[]', 3)")
    RunLedger(project).note("new", "sales", RunNote([Step("extract", "succeeded", 2.0)]))
    assert RunLedger(project).usual_seconds("sales") == {"extract": 2.0}
    assert RunLedger(project).notes(["old"])["old"].rejected_rows == 3


def test_what_is_usual_is_found_without_reading_the_notes_of_other_workflows(
    project: Project,
) -> None:
    """Of a hundred thousand runs nearly all are of others; also in a ledger of an older version."""
    ledger = RunLedger(project)
    ledger.note("run", "sales", RunNote([Step("extract", "succeeded", 4.0)]))
    with closing(sqlite3.connect(project.state_dir / "runs.sqlite")) as older:
        older.execute("drop index latest_runs")
    steps = [Step("extract", "succeeded", 1.0, summary="x" * 250)] * 3
    for number in range(60):
        ledger.note(f"other{number}", "orders", RunNote(steps))
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    with closing(ledger._open()) as opened:
        opened.set_progress_handler(count, 1)
        assert len(opened.execute(_LATEST_STEPS, ("sales", 50)).fetchall()) == 1
    # Instructions of SQLite: four for each note that is looked at.
    assert counted < 50


def test_notes_that_cannot_be_written_or_read_are_a_warning(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The run that ends is none the worse for a Postgres that is down, nor is a list of runs."""
    monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://me:word@127.0.0.1:1/x")
    ledger = RunLedger(Project(project.root))
    ledger.note("new", "sales", RunNote())
    assert ledger.notes(["new"]) == {}
    assert ledger.usual_seconds("sales") == {}
    assert ledger.errors(["new"]) == {}
