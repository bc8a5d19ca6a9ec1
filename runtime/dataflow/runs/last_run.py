"""Telling the dashboards' index page how a run ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dataflow.shared.file_store import StoreError
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project

log = get_logger(__name__)


def show_on_index(
    project: Project, workflow_id: str, config: WorkflowConfig | None, *, success: bool
) -> None:
    """Let the index page show how a workflow's last run ended, if it has a dashboard.

    It is told as well from when on its data is overdue, by the schedule of now.

    Args:
        config: The run's configuration; None if the workflow has none.
    """
    from dataflow.publish.folders import dashboard_folder

    if not dashboard_folder(project, workflow_id).is_dir():
        return
    from dataflow.publish.manifest import note_run

    ended_at = datetime.now(UTC).isoformat(timespec="seconds")
    status = "success" if success else "failure"
    try:
        run = {"status": status, "ended_at": ended_at}
        note_run(project, workflow_id, run, _seconds_to_overdue(config))
    except OSError as error:
        # The run itself has ended as it has, and says so.
        log.warning(f"How this run ended is not on the dashboards' index page: {error.strerror}")
    except StoreError as error:
        log.warning(f"How this run ended is not on the dashboards' index page: {error.reason}")


def _seconds_to_overdue(config: WorkflowConfig | None) -> float | None:
    if config is None or not config.workflow.schedule:
        return None
    from dataflow.runs.freshness import overdue_after

    return overdue_after(config.workflow.schedule, config.workflow.timezone).total_seconds()
