"""What a run tells Dagster of its assets: what was made, and how their checks ended.

A run shows its tables at its end, or not at all, and so it does what it says of them: steps write
down what they made, in the run's folder, and the executor tells Dagster of it when the tables are
in place. Of a run that failed, Dagster is told how the checks ended, and of no new table. Where
nobody holds the workflow for the whole run, each step shows and tells what it has done.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckEvaluation,
    AssetMaterialization,
    AssetObservation,
    DagsterEvent,
    DagsterEventType,
    OpExecutionContext,
    deserialize_value,
    serialize_value,
)
from dagster._core.events import AssetObservationData, StepMaterializationData

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.shared.logging import get_logger
from dataflow.shared.upstream import is_workflow_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dagster import DagsterInstance, DagsterRun

    from dataflow.runs.context import RunContext
    from dataflow.shared.project import Project

log = get_logger(__name__)

AssetEvent = AssetMaterialization | AssetObservation | AssetCheckEvaluation

_FOLDER = "assets"


def tell(run: RunContext, events: Sequence[AssetEvent], *, at_end: bool) -> None:
    """Let Dagster know of assets that the step which executes here has made or checked.

    Args:
        at_end: Whether what the step did is seen when the whole run has succeeded; else Dagster
            is told at once.
    """
    context = OpExecutionContext.get()
    step_key = context.get_step_execution_context().step.key
    if not at_end:
        told = [(step_key, event) for event in events]
        report_events(context.instance, context.run_id, context.job_name, told, success=True)
        return
    path = _folder(run) / f"{step_key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: the executor reads it also where the disk was full and the step failed.
    aside = path.with_suffix(".new")
    aside.write_text(serialize_value([step_key, list(events)]), encoding="utf-8")
    aside.replace(path)


def take_up_events(run: RunContext) -> None:
    """Let a run that goes on from a failed one tell of what that one made."""
    earlier = _folder(run, run.resumes)
    for path in earlier.glob("*.json"):
        _folder(run).mkdir(parents=True, exist_ok=True)
        (_folder(run) / path.name).write_bytes(path.read_bytes())


def told_events(run: RunContext) -> list[tuple[str, AssetEvent]]:
    """What the steps of a run have told so far, each with the step's key; in order."""
    found: list[tuple[str, AssetEvent]] = []
    paths = _folder(run).glob("*.json")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
        kept: Any = deserialize_value(path.read_text(encoding="utf-8"))
        step_key, events = kept
        found += [(step_key, event) for event in events]
    return found


def report_events(
    instance: DagsterInstance,
    run_id: str,
    job_name: str,
    told: Sequence[tuple[str, AssetEvent]],
    *,
    success: bool,
) -> None:
    """Write what the steps told into Dagster's history, as events of the run.

    Whether the run is a success does not hang on it: the tables are what they are.

    Args:
        success: Whether what the run wrote is what everybody sees; else only checks are told of.
    """
    checks = [each for each in told if isinstance(each[1], AssetCheckEvaluation)]
    made = [each for each in told if not isinstance(each[1], AssetCheckEvaluation)]
    try:
        # A check is of the table that was there before it.
        for step_key, event in [*(made if success else []), *checks]:
            reported = _dagster_event(event, step_key, job_name)
            instance.report_dagster_event(reported, run_id, logging.INFO)
    except Exception as error:  # of whatever store the history is in
        log.warning(f"Dagster's history could not be told what this run made: {error}")


def workflow_of_assets(run: DagsterRun, project: Project) -> str:
    """The workflow that a run's assets are of, or its tag names; empty if they are of several."""
    of = {key.path[0] for key in run.asset_selection or ()}
    name = of.pop() if len(of) == 1 else ""
    is_one = bool(name) and is_workflow_folder(project.workflow_dir(name))
    return run.tags.get(WORKFLOW_TAG) or (name if is_one else "")


def _dagster_event(event: AssetEvent, step_key: str, job_name: str) -> DagsterEvent:
    name = event.asset_key.to_user_string()
    data: Any = event
    if isinstance(event, AssetMaterialization):
        kind, data = DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(event)
        said = f"Materialized {name}."
    elif isinstance(event, AssetObservation):
        kind, data = DagsterEventType.ASSET_OBSERVATION, AssetObservationData(event)
        said = f"Observed {name}."
    else:
        kind = DagsterEventType.ASSET_CHECK_EVALUATION
        outcome = "passed" if event.passed else "did not pass"
        said = f"Check {event.check_name} of {name} {outcome}."
    return DagsterEvent(
        event_type_value=kind.value,
        job_name=job_name,
        step_key=step_key,
        event_specific_data=data,
        message=said,
        pid=os.getpid(),
    )


def _folder(run: RunContext, run_id: str = "") -> Path:
    return run.folder.with_name(run_id or run.run_id) / _FOLDER
