"""The project's Dagster code location: every workflow's job, schedule and assets.

``workspace.yaml`` names this module; ``defs`` is made from the project that the process runs in.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster import (
    DefaultScheduleStatus,
    Definitions,
    Failure,
    JobDefinition,
    ScheduleDefinition,
    in_process_executor,
    op,
)
from dagster import job as dagster_job

from dataflow.runs.dagster_names import BROKEN_PREFIX, BROKEN_TAG, WORKFLOW_TAG
from dataflow.runs.definitions import WorkflowDefinitions, check_part, clash, read_part
from dataflow.runs.history_redaction import guard_history
from dataflow.runs.instance import sync_less_often
from dataflow.runs.notification_sensor import failure_sensor
from dataflow.runs.unique_names import with_unique_names
from dataflow.shared.errors import DataflowError
from dataflow.shared.logging import get_logger
from dataflow.shared.project import Project, find_project
from dataflow.shared.redaction import redact
from dataflow.workflows.registry import BrokenWorkflow, load_workflows

if TYPE_CHECKING:
    from collections.abc import Iterator

_ON, _OFF = DefaultScheduleStatus.RUNNING, DefaultScheduleStatus.STOPPED

log = get_logger(__name__)


def build_definitions(project: Project) -> Definitions:
    """Collect what a project's workflows define.

    A workflow that cannot be loaded becomes a job that says why and does nothing else, so that
    it is seen in the UI and the others load. Schedules are off until somebody switches them on,
    unless config.yaml says otherwise.
    """
    with _without_collecting():
        workflows, broken = load_workflows(project)
        parts: list[WorkflowDefinitions] = []
        names: dict[str, str] = {}
        for workflow in workflows:
            try:
                part = read_part(project, workflow)
                reason = clash(part, names)
            except DataflowError as error:
                reason = redact(error.reason)
            if reason:
                broken.append(BrokenWorkflow(workflow.workflow_id, reason))
            else:
                parts.append(part)
        definitions = _assemble(project, parts, broken)
        if not _is_loadable(definitions):
            # Dagster judges the whole and stops at the first fault: ask of each part alone.
            faults = {part.workflow_id: check_part(part) for part in parts}
            broken += [BrokenWorkflow(name, reason) for name, reason in faults.items() if reason]
            well = [part for part in parts if not faults[part.workflow_id]]
            definitions = _assemble(project, well, broken)
    for failure in broken:
        log.error("workflow cannot be loaded", workflow=failure.workflow_id, reason=failure.reason)
    return definitions


def _assemble(
    project: Project, parts: list[WorkflowDefinitions], broken: list[BrokenWorkflow]
) -> Definitions:
    jobs = with_unique_names({part.workflow_id: part.job for part in parts})
    taken = {job.name for job in jobs.values()}
    return Definitions(
        jobs=[*jobs.values(), *(_broken_job(failure, taken) for failure in broken)],
        schedules=[
            ScheduleDefinition(
                name=f"{part.workflow_id}_schedule",
                job=jobs[part.workflow_id],
                cron_schedule=part.cron,
                execution_timezone=part.timezone,
                default_status=_ON if part.schedule_on else _OFF,
                tags={WORKFLOW_TAG: part.workflow_id},
            )
            for part in parts
            if part.cron
        ],
        sensors=[failure_sensor(project)] if any(p.reports_failures for p in parts) else [],
        assets=[asset for part in parts for asset in part.assets],
        asset_checks=[check for part in parts for check in part.checks],
    )


def _is_loadable(definitions: Definitions) -> bool:
    try:
        # Kept by Dagster, so that serving the definitions does not do this work again.
        repository: Any = definitions.get_repository_def()
        repository.validate_loadable()
    except Exception:  # Dagster raises many kinds of its own
        return False
    return True


def _broken_job(failure: BrokenWorkflow, taken: set[str]) -> JobDefinition:
    @op(name=f"broken_{failure.workflow_id}", description=failure.reason)
    def explain() -> None:
        raise Failure(failure.reason)

    name = f"{failure.workflow_id}_job"

    @dagster_job(
        name=f"{failure.workflow_id}_broken" if name in taken else name,
        description=f"{BROKEN_PREFIX}{failure.reason}",
        tags={WORKFLOW_TAG: failure.workflow_id, BROKEN_TAG: "true"},
        executor_def=in_process_executor,
    )
    def broken() -> None:
        explain()

    return broken


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let no garbage collection walk again and again over what is only being built up."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


# Runs that Dagster starts write their events in a process that imports this module.
sync_less_often()
guard_history()
defs = build_definitions(find_project())
