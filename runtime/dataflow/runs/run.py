"""Running a workflow's own Dagster job in this process, in the project's run history."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dataflow.runs.context import RunContext, enter_run, share_with_author
from dataflow.runs.dagster_names import (
    HOST_TAG,
    LOCATION_NAME,
    PROCESS_TAG,
    REPOSITORY_NAME,
    WORKFLOW_TAG,
)
from dataflow.runs.definitions import runnable_job
from dataflow.runs.executor import promoting_executor
from dataflow.runs.instance import open_instance
from dataflow.runs.last_run import show_on_index
from dataflow.runs.lock import alive, lost_process, workflow_lock
from dataflow.runs.model import Run, own_tags
from dataflow.runs.module_definitions import uses_steps
from dataflow.runs.notifications import report_failure, unset_addresses
from dataflow.runs.part_check import check_parts
from dataflow.runs.place import check_place, check_reach, place_tags
from dataflow.runs.policy import time_limit, with_policy
from dataflow.runs.run_events import run_event
from dataflow.runs.run_parameters import with_run_parameters
from dataflow.runs.run_progress import RunProgress
from dataflow.runs.run_request import RunRequest, resolved_config
from dataflow.runs.step_outputs import has_default_outputs, in_memory
from dataflow.shared.logging import get_logger
from dataflow.shared.step_progress import StepProgress
from dataflow.workflows.registry import get_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import DagsterInstance, JobDefinition

    from dataflow.runs.model import RunStatus, Step
    from dataflow.shared.project import Project

log = get_logger(__name__)

# Shows a run under its job in the Dagster UI.
_REPOSITORY_TAG = ".dagster/repository"


def run_workflow(
    project: Project,
    workflow_id: str,
    report: Callable[[Step], None] | None = None,
    on_wait: Callable[[str], None] | None = None,
    request: RunRequest | None = None,
    progress: StepProgress | None = None,
) -> Run:
    """Run a workflow to its end in this process.

    The run is recorded in the project's Dagster instance as it goes, so the Dagster UI shows it
    like any other. No server is needed.

    Args:
        report: Called when a step starts and when it ends.
        on_wait: Called with the holder's description if another run of the workflow has to end.
        request: Run config and partition; None for none.
        progress: Where the steps count how far they are, for whoever shows it.

    Raises:
        WorkflowNotFoundError: The project has no such workflow.
        BrokenWorkflowError: Its code cannot be imported.
        ConfigError: Its config.yaml is wrong.
        WorkflowBusyError: Another run of it did not end in time.
        HistoryError: Dagster's history cannot be opened.
        RunRequestError: What is asked for does not fit the job; nothing was started.
    """
    with share_with_author(project, workflow_id) as config:
        policy = config.run if config else None
        limit = policy.timeout_seconds if policy else None
        for name in unset_addresses(policy) if policy else ():
            log.warning(f"If this run fails, not everybody can be told: {name} is not set.")
        # Nobody but this process can end the run, so the service is not told of the limit.
        workflow = get_workflow(workflow_id, project)
        tags = request.tags if request else {}
        check_parts(project, workflow_id, tags, has_steps=not tags or uses_steps(workflow_id))
        asked_for = request or RunRequest()
        config = with_run_parameters(config, asked_for.config)
        job = runnable_job(project, workflow, config)
        job = with_policy(job, policy, is_on_service=False)
        check_reach(project)
        context = RunContext(
            project, workflow_id, str(uuid4()), config, progress=progress or StepProgress()
        )
        with (
            alive(project, context.run_id),
            workflow_lock(project, workflow_id, on_wait, context.run_id),
            open_instance(project) as instance,
            share_with_author(project, workflow_id, config),
            enter_run(context),
        ):
            check_place(project, workflow_id, instance)
            asked = resolved_config(job, asked_for, instance)
            _close_dead_runs(project, instance, workflow_id)
            with time_limit(limit) as time_is_up:
                run = _execute(instance, job, context, report, asked)
        if time_is_up.is_set() and not run.success:
            error = f"It took longer than {limit} seconds (run.timeout_seconds in config.yaml)."
            run = replace(run, error=error, status="failed")
        if run.status == "failed":
            failed = [f"{step.name}: {step.error}" for step in run.steps if step.error]
            error = "\n".join([*failed, run.error]).strip()
            report_failure(project, workflow_id, run.run_id, error)
    return run


def _execute(
    instance: DagsterInstance,
    job: JobDefinition,
    context: RunContext,
    report: Callable[[Step], None] | None,
    asked: tuple[dict[str, Any], dict[str, str]],
) -> Run:
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run_iterator

    # In this process steps hand each other values directly: nothing is pickled, whatever executor
    # the author's job names.
    outputs = {"io_manager": in_memory} if has_default_outputs(job) else {}
    ephemeral = job.as_ephemeral_job(resource_defs=outputs, input_values={})._copy(
        executor_def=promoting_executor(context)
    )
    config, tags = asked
    created = instance.create_run_for_job(
        job_def=ephemeral,
        run_id=context.run_id,
        run_config={**_quiet_console(job), **config},
        tags={
            **job.run_tags,
            **tags,
            _REPOSITORY_TAG: f"{REPOSITORY_NAME}@{LOCATION_NAME}",
            WORKFLOW_TAG: context.workflow_id,
            HOST_TAG: socket.gethostname(),
            PROCESS_TAG: str(os.getpid()),
            **place_tags(context.project),
        },
    )
    started_at = datetime.now(UTC)
    progress = RunProgress(context.workflow_id, context.project)
    for event in execute_run_iterator(InMemoryJob(ephemeral), created, instance):
        step = progress.add(run_event(event))
        if step is not None and report is not None:
            report(step)
    final = instance.get_run_by_id(context.run_id)
    success = final is not None and final.is_success
    show_on_index(context.project, context.workflow_id, context.config, success=success)
    unsuccessful: RunStatus = "canceled" if progress.was_interrupted else "failed"
    return Run(
        run_id=context.run_id,
        workflow_id=context.workflow_id,
        status="succeeded" if success else unsuccessful,
        created_at=started_at,
        started_at=started_at,
        ended_at=datetime.now(UTC),
        tags=own_tags(created.tags),
        steps=progress.steps,
        error=progress.error,
    )


def _quiet_console(job: JobDefinition) -> dict[str, object]:
    """Run config that keeps Dagster's own console log silent: our steps report instead."""
    if set(job.loggers) != {"console"}:
        return {}
    return {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _close_dead_runs(project: Project, instance: DagsterInstance, workflow_id: str) -> None:
    """Mark runs as failed whose process died without a word.

    Whoever holds the workflow's lock knows that no other run of it in this way is alive here; of
    those of other hosts a shared history tells.
    """
    from dagster import DagsterRunStatus, RunsFilter

    is_shared = bool(project.settings.history)
    here = None if is_shared else socket.gethostname()
    under_way = [
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
    ]
    # By status alone, of which few are under way: by tags, all runs of the workflow are looked at.
    for run in instance.get_runs(RunsFilter(statuses=under_way)):
        if run.tags.get(WORKFLOW_TAG) != workflow_id or here not in (None, run.tags.get(HOST_TAG)):
            continue
        process = f"process {run.tags.get(PROCESS_TAG)}"
        if not is_shared or (process := lost_process(project, run.run_id)):
            instance.report_run_failed(run, f"The {process} that executed this run is gone.")
