"""The project's Dagster code location: every workflow's job, schedule and assets.

``workspace.yaml`` names this module; Dagster calls ``defs`` in each of its processes that load it.
"""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING, Any

from dagster import (
    Definitions,
    Failure,
    GraphDefinition,
    JobDefinition,
    OpDefinition,
    SensorDefinition,
    definitions,
    in_process_executor,
    op,
)
from dagster import job as dagster_job

from dataflow.runs.after_sensor import after_sensor
from dataflow.runs.dagster_names import (
    BROKEN_PREFIX,
    BROKEN_TAG,
    JOB_VARIABLE,
    WORKFLOW_TAG,
    WORKFLOW_VARIABLE,
)
from dataflow.runs.definitions import (
    WorkflowDefinitions,
    check_definitions,
    clash,
    read_definitions,
    without_assets_of_others,
    without_faulty_extras,
    without_taken_names,
)
from dataflow.runs.executor import noting_executor
from dataflow.runs.file_arrival import file_sensors
from dataflow.runs.lineage_assets import assets_of
from dataflow.runs.lineage_checks import checks_of
from dataflow.runs.notification_sensor import failure_sensor
from dataflow.runs.schedule import config_schedule
from dataflow.runs.unique_names import with_unique_names
from dataflow.shared.errors import DataflowError
from dataflow.shared.importing import importing
from dataflow.shared.logging import get_logger
from dataflow.shared.output_redaction import guard_records
from dataflow.shared.project import Project, find_project
from dataflow.shared.redaction import redact
from dataflow.shared.upstream import is_workflow_folder
from dataflow.workflows.registry import (
    BrokenWorkflow,
    BrokenWorkflowError,
    check_known,
    load_workflows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

log = get_logger(__name__)


def build_definitions(project: Project, only: Iterable[str] | None = None) -> Definitions:
    """Collect what a project's workflows define.

    A workflow that cannot be loaded becomes a job that says why and does nothing else, so that
    it is seen in the UI and the others load. Schedules are off until somebody switches them on,
    unless config.yaml says otherwise.

    Args:
        only: The ids of the workflows that are wanted; default: all.
    """
    with importing():
        workflows, broken = load_workflows(project, only)
        loaded: list[WorkflowDefinitions] = []
        names: dict[str, str] = {}
        for workflow in workflows:
            try:
                found = read_definitions(project, workflow)
                reason = clash(found, names)
                found = without_taken_names(found, names)
            except DataflowError as error:
                reason = redact(error.reason)
            if reason:
                broken.append(BrokenWorkflow(workflow.workflow_id, reason))
            else:
                loaded.append(found)
        together = _assemble(project, loaded, broken)
        if not _is_loadable(together):
            # Dagster judges the whole and stops at the first fault: ask of each workflow alone.
            loaded = _good_ones(loaded, broken)
            together = _assemble(project, loaded, broken)
    for failure in broken:
        log.error("workflow cannot be loaded", workflow=failure.workflow_id, reason=failure.reason)
    for found in loaded:
        for what in found.left_out:
            log.warning("left out", workflow=found.workflow_id, what=what)
    return together


def _good_ones(
    loaded: list[WorkflowDefinitions], broken: list[BrokenWorkflow]
) -> list[WorkflowDefinitions]:
    """Those that Dagster takes, if need be without their further jobs, schedules and sensors."""
    good = []
    for found in loaded:
        reason = check_definitions(found)
        if reason:
            found = without_faulty_extras(found)
            reason = check_definitions(found)
        if reason:
            broken.append(BrokenWorkflow(found.workflow_id, reason))
        else:
            good.append(found)
    return good


def _assemble(
    project: Project, loaded: list[WorkflowDefinitions], broken: list[BrokenWorkflow]
) -> Definitions:
    loaded = without_assets_of_others(loaded)
    of_ops = with_unique_names({found.workflow_id: _jobs_of_ops(found) for found in loaded})
    jobs: list[Any] = []
    schedules: list[Any] = []
    sensors: list[Any] = []
    resources: dict[str, Any] = {}
    for found in loaded:
        own = {**found.further, **of_ops[found.workflow_id]}
        jobs += own.values()
        if found.config and found.config.workflow.schedule:
            schedules += config_schedule(found, own[found.job.name], found.config.workflow)
        sensors += file_sensors(project, found, own[found.job.name])
        if found.config and found.config.workflow.after:
            sensors.append(_after(project, found, own[found.job.name]))
        own_schedules, own_sensors = found.retargeted(own)
        schedules += own_schedules
        sensors += own_sensors
        resources |= found.shared_resources
    taken = {job.name for job in jobs}
    if any(found.config and found.config.run.on_failure for found in loaded):
        sensors.append(failure_sensor(project))
    return Definitions(
        jobs=[*jobs, *(_broken_job(failure, taken) for failure in broken)],
        schedules=schedules,
        sensors=sensors,
        assets=[
            asset
            for found in loaded
            for asset in (*found.assets, *assets_of(found.workflow_id, found.lineage, found.job))
        ],
        asset_checks=[
            check
            for found in loaded
            for check in (*found.checks, *checks_of(found.workflow_id, found.lineage, found.job))
        ],
        resources=resources or None,
        # Assets that are made from Dagster's UI, and jobs that name none: a process for each step
        # costs more than most steps do, and each loads all workflows.
        executor=noting_executor(project),
    )


def _after(project: Project, found: WorkflowDefinitions, job: JobDefinition) -> SensorDefinition:
    after = found.config.workflow.after if found.config else []
    folder = project.workflow_dir

    def is_workflow(name: str) -> bool:
        return is_workflow_folder(folder(name))

    return after_sensor(found.workflow_id, job, after, is_workflow)


def _jobs_of_ops(found: WorkflowDefinitions) -> dict[str, JobDefinition]:
    further = {k: job for k, job in found.further.items() if isinstance(job, JobDefinition)}
    return {found.job.name: found.job, **further}


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
    if _is_run_process() and name not in taken:
        return _RefusedJob(failure, explain)

    @dagster_job(
        name=f"{failure.workflow_id}_broken" if name in taken else name,
        description=f"{BROKEN_PREFIX}{failure.reason}",
        tags={WORKFLOW_TAG: failure.workflow_id, BROKEN_TAG: "true"},
        executor_def=in_process_executor,
    )
    def broken() -> None:
        explain()

    return broken


class _RefusedJob(JobDefinition):
    """A broken workflow's job in the process of a run that was launched while it was whole.

    Dagster would say that it does not know the steps that the run shall have.
    """

    def __init__(self, failure: BrokenWorkflow, explain: OpDefinition) -> None:
        graph = GraphDefinition(name=f"{failure.workflow_id}_job", node_defs=[explain])
        super().__init__(graph_def=graph, executor_def=in_process_executor)
        self._failure = failure

    @property
    def run_config_schema(self) -> Any:
        raise BrokenWorkflowError(self._failure.reason, "Fix it and run it again.")


def _is_run_process() -> bool:
    """Whether this process was started for a run, by Dagster or from a warm process."""
    return multiprocessing.parent_process() is not None or JOB_VARIABLE in os.environ


@definitions
def defs() -> Definitions:
    """The definitions of the project that this process of Dagster's runs in."""
    # The authors' code runs from now on, and Dagster prints what it raises.
    guard_records()
    project = find_project()
    return _definitions_of_run(project) or build_definitions(project, _own_workflows(project))


def _own_workflows(project: Project) -> list[str] | None:
    """The workflows of this code location; ``None`` for all.

    Raises:
        WorkflowNotFoundError: The setting names one that the project does not have.
    """
    chosen = project.settings.location_workflows
    for workflow_id in chosen:
        check_known(workflow_id, project)
    return chosen or None


def _definitions_of_run(project: Project) -> Definitions | None:
    """Those of the one workflow whose job this process was started for; None if there is none.

    A job of assets may need those of other workflows.
    """
    job_name = os.environ.get(JOB_VARIABLE, "")
    workflow_id = os.environ.get(WORKFLOW_VARIABLE) or job_name.removesuffix("_job")
    if not job_name or not (project.workflow_dir(workflow_id) / "dagster_job.py").is_file():
        return None
    own = build_definitions(project, [workflow_id])
    found = [job for job in own.jobs or () if getattr(job, "name", "") == job_name]
    return own if found and isinstance(found[0], JobDefinition) else None
