"""The project's Dagster code location: every workflow's job, schedule and assets.

``workspace.yaml`` names this module; ``defs`` is made from the project that the process runs in.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dagster import (
    AssetSpec,
    AssetsDefinition,
    DefaultScheduleStatus,
    Definitions,
    Failure,
    JobDefinition,
    OpDefinition,
    ScheduleDefinition,
    in_process_executor,
    load_assets_from_modules,
    op,
)
from dagster import job as dagster_job

from dataflow.shared.config import load_config
from dataflow.shared.errors import DataflowError
from dataflow.shared.logging import get_logger
from dataflow.shared.project import Project, find_project
from dataflow.workflows.registry import BrokenWorkflow, Workflow, load_workflows

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_definitions", "defs"]

log = get_logger(__name__)


def build_definitions(project: Project) -> Definitions:
    """Collect what a project's workflows define.

    A workflow that cannot be loaded becomes a job that says why and does nothing else, so that
    it is seen in the UI and the others load.
    """
    workflows, broken = load_workflows(project)
    jobs: list[JobDefinition] = []
    schedules: list[ScheduleDefinition] = []
    assets: list[AssetsDefinition | AssetSpec] = []
    for workflow in workflows:
        try:
            found_schedules = _schedules(workflow)
            found_assets = _assets(workflow)
        except DataflowError as error:
            broken.append(BrokenWorkflow(workflow.workflow_id, error.reason))
            continue
        jobs.append(workflow.job)
        schedules.extend(found_schedules)
        assets.extend(found_assets)
    for failure in broken:
        log.error("workflow cannot be loaded", workflow=failure.workflow_id, reason=failure.reason)
        jobs.append(_broken_job(failure))
    return Definitions(jobs=jobs, schedules=schedules, assets=assets)


def _schedules(workflow: Workflow) -> list[ScheduleDefinition]:
    settings = load_config(workflow.workflow_id)["workflow"]
    if not settings["schedule"]:
        return []
    return [
        ScheduleDefinition(
            name=f"{workflow.workflow_id}_schedule",
            job=workflow.job,
            cron_schedule=settings["schedule"],
            execution_timezone=settings["timezone"],
            default_status=DefaultScheduleStatus.STOPPED,
        )
    ]


def _assets(workflow: Workflow) -> Sequence[AssetsDefinition | AssetSpec]:
    name = f"dataflow.workflows.{workflow.workflow_id}.assets"
    if find_spec(name) is None:
        return []
    found = load_assets_from_modules([importlib.import_module(name)])
    return [asset for asset in found if isinstance(asset, AssetsDefinition | AssetSpec)]


def _broken_job(failure: BrokenWorkflow) -> JobDefinition:
    @op(name=f"broken_{failure.workflow_id}", description=failure.reason)
    def explain() -> None:
        raise Failure(failure.reason)

    assert isinstance(explain, OpDefinition)  # noqa: S101

    @dagster_job(
        name=f"{failure.workflow_id}_job",
        description=f"BROKEN: {failure.reason}",
        executor_def=in_process_executor,
    )
    def broken() -> None:
        explain()

    return broken


defs = build_definitions(find_project())
