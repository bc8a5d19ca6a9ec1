"""What happens in a run, as Dagster's own processes tell of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dataflow.runs.dagster_names import LOADED_ROWS, SUMMARY
from dataflow.runs.run_progress import EventKind, RunEvent, RunProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import DagsterEvent, DagsterInstance, MetadataValue

    from dataflow.runs.failure import ErrorInfo
    from dataflow.shared.project import Project


def failure_of(instance: DagsterInstance, run_id: str, workflow_id: str, project: Project) -> str:
    """All that went wrong in a run of the history, a line for each step and one for the run."""
    from dagster import DagsterEventType

    progress = RunProgress(workflow_id, project)
    kinds = {
        DagsterEventType.STEP_START,
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.STEP_SUCCESS,
        DagsterEventType.ENGINE_EVENT,
        DagsterEventType.RUN_FAILURE,
    }
    for entry in instance.all_logs(run_id, of_type=kinds):
        if entry.dagster_event is not None:
            progress.add(run_event(entry.dagster_event, entry.timestamp))
    of_steps = [f"{step.name}: {step.error}" for step in progress.steps if step.error]
    return "\n".join([*of_steps, progress.error]).strip()


def run_event(event: DagsterEvent, at: float | None = None) -> RunEvent:
    """What a run's event says, in the shape that progress is told in.

    Args:
        at: When it happened, in seconds since 1970; default: now.
    """
    kind: EventKind = "other"
    error: ErrorInfo | None = None
    said: Mapping[str, MetadataValue[Any]] = {}
    if event.is_step_start:
        kind = "start"
    elif event.is_successful_output:
        kind, said = "output", event.step_output_data.metadata
    elif event.is_step_success:
        kind = "success"
    elif event.is_step_skipped:
        kind = "skip"
    elif event.is_step_failure:
        kind, error = "failure", event.step_failure_data.error
    elif event.is_job_failure:
        kind, error = "run_failure", event.job_failure_data.error
    elif event.is_engine_event:
        kind, error = "engine", event.engine_event_data.error
    # Of a step that makes assets the latter are of one of these.
    summary = said.get(SUMMARY) or said.get("summary")
    rows = said.get(LOADED_ROWS) if SUMMARY in said else said.get("rows")
    return RunEvent(
        kind,
        time.time() if at is None else at,
        event.step_key,
        event.message or "",
        error,
        str(summary.value) if summary else "",
        int(str(rows.value)) if rows else None,
    )
