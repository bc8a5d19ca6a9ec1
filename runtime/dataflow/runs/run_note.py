"""Listening to the events of a run, for what is told of it at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.runs.run_events import run_event
from dataflow.runs.run_ledger import RunLedger, RunNote
from dataflow.runs.run_progress import RunProgress
from dataflow.runs.telemetry import traced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterEvent

    from dataflow.shared.project import Project


def noted(
    project: Project, workflow_id: str, run_id: str, events: Iterator[DagsterEvent]
) -> Iterator[DagsterEvent]:
    """The events of a run, each handed on; after the last, or an end before it, a note is taken."""
    progress = RunProgress(workflow_id, project)
    rejected = 0
    try:
        with traced(workflow_id, run_id, progress):
            for event in events:
                progress.add(run_event(event))
                if event.is_successful_output:
                    said = event.step_output_data.metadata.get("rejected_rows")
                    rejected += int(str(said.value)) if said is not None else 0
                yield event
    finally:
        note = RunNote(progress.steps, rejected)
        RunLedger(project).note(run_id, workflow_id, note)
