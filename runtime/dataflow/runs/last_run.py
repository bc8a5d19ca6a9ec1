"""Telling the dashboards' index page how a run ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow.shared.project import Project


def show_on_index(project: Project, workflow_id: str, *, success: bool) -> None:
    """Let the index page show how a workflow's last run ended, if it has a dashboard."""
    if not (project.workflow_dir(workflow_id) / "evidence").is_dir():
        return
    from dataflow.publish.manifest import note_run

    ended_at = datetime.now(UTC).isoformat(timespec="seconds")
    status = "success" if success else "failure"
    note_run(project, workflow_id, {"status": status, "ended_at": ended_at})
