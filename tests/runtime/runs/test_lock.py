"""The lock of a workflow, where it cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service_fixtures import write_project

from dataflow.runs.lock import LockError, workflow_lock
from dataflow.shared.project import Project


def test_a_lock_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    """It names the place, and what to do."""
    project = Project(write_project(tmp_path / "shop"))
    project.state_dir.mkdir(parents=True, exist_ok=True)
    (project.state_dir / "locks").write_text("in the way")
    said = r"locks/sales\.json cannot be written"
    with pytest.raises(LockError, match=said), workflow_lock(project, "sales"):
        pass
