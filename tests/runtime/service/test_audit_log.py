"""The audit log does not grow without end, and loses no line when it is rotated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataflow.service import audit_log
from dataflow.service.audit_log import note_change
from dataflow.shared.project import Project


def test_a_long_audit_log_becomes_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many earlier ones are kept; the newest lines are in the file of the usual name."""
    monkeypatch.setattr(audit_log, "_LARGEST", 1000)
    monkeypatch.setattr(audit_log, "_MOST_EARLIER", 3)
    project = Project(tmp_path)
    for number in range(20):
        note_change(project, "somebody", "POST", f"/{number}")
    files = sorted(project.state_dir.glob("audit.*.jsonl"))
    lines = [line for path in files for line in path.read_text().splitlines()]
    assert [json.loads(line)["target"] for line in lines] == [f"/{n}" for n in range(len(lines))]
    for number in range(60):
        note_change(project, "somebody", "POST", f"/{number}")
    files = sorted(project.state_dir.glob("audit.*.jsonl"))
    assert len(files) == 3
    last = (project.state_dir / "audit.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["target"] == "/59"
