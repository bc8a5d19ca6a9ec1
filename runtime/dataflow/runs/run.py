"""Running a workflow's own Dagster job in this process, in the project's run history."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from dataflow.runs.dagster_names import (
    HOST_TAG,
    LOCATION_NAME,
    PROCESS_TAG,
    REPOSITORY_NAME,
)
from dataflow.runs.failure import explain_failure, is_interruption
from dataflow.runs.instance import open_instance
from dataflow.runs.last_run import show_on_index
from dataflow.runs.lock import workflow_lock
from dataflow.runs.notifications import report_failure
from dataflow.runs.policy import run_settings, time_limit, with_policy
from dataflow.shared.logging import WORKFLOW_TAG, bind_run
from dataflow.workflows.registry import get_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import DagsterEvent, DagsterInstance, DagsterRun, JobDefinition

    from dataflow.shared.project import Project

# Shows a run under its job in the Dagster UI.
_REPOSITORY_TAG = ".dagster/repository"

StepStatus = Literal["running", "succeeded", "failed", "skipped"]


@dataclass(frozen=True)
class StepOutcome:
    """One step of a run.

    Args:
        name: The op's name, without the workflow's.
        status: How it stands.
        seconds: How long it took.
        summary: What it did, in a few words; empty for an op that does not say.
        rows: Rows it handled, if it says.
        error: What went wrong and where, if it failed.
        traceback: The whole stack, if it failed.
    """

    name: str
    status: StepStatus
    seconds: float = 0.0
    summary: str = ""
    rows: int | None = None
    error: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Args:
        workflow_id: The workflow.
        run_id: Dagster's id of the run.
        success: Whether every step succeeded.
        seconds: Wall time from the first event to the last.
        steps: The steps that ended, in order.
        error: What went wrong outside any step, if something did.
        stopped: Whether Ctrl-C or a signal ended it.
    """

    workflow_id: str
    run_id: str
    success: bool
    seconds: float
    steps: list[StepOutcome] = field(default_factory=list)
    error: str = ""
    stopped: bool = False


def run_workflow(
    project: Project,
    workflow_id: str,
    report: Callable[[StepOutcome], None] | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> RunOutcome:
    """Run a workflow to its end in this process.

    The run is recorded in the project's Dagster instance as it goes, so the Dagster UI shows it
    like any other. No server is needed.

    Args:
        project: The project.
        workflow_id: The workflow.
        report: Called when a step starts and when it ends.
        on_wait: Called with the holder's description if another run of the workflow has to end.

    Raises:
        WorkflowNotFoundError: The project has no such workflow.
        BrokenWorkflowError: Its code cannot be imported.
        WorkflowBusyError: Another run of it did not end in time.
        HistoryError: Dagster's history cannot be opened.
    """
    settings = run_settings(project, workflow_id)
    # Nobody but this process can end the run, so the service is not told of the limit.
    limit = settings.pop("timeout_seconds", None)
    job = with_policy(get_workflow(workflow_id, project).job, settings)
    with workflow_lock(project, workflow_id, on_wait), open_instance(project) as instance:
        _close_dead_runs(instance, workflow_id)
        with time_limit(limit) as time_is_up:
            outcome = _execute(instance, job, workflow_id, project, report or _ignore)
    if time_is_up.is_set() and not outcome.success:
        error = f"It took longer than {limit} seconds (run.timeout_seconds in config.yaml)."
        outcome = replace(outcome, error=error, stopped=False)
    if not outcome.success and not outcome.stopped:
        failed = [f"{step.name}: {step.error}" for step in outcome.steps if step.error]
        error = "\n".join([*failed, outcome.error]).strip()
        report_failure(project, workflow_id, outcome.run_id, error)
    return outcome


def _execute(
    instance: DagsterInstance,
    job: JobDefinition,
    workflow_id: str,
    project: Project,
    report: Callable[[StepOutcome], None],
) -> RunOutcome:
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run_iterator

    # In this process steps hand each other values directly: nothing is pickled, whatever executor
    # the author's job names.
    ephemeral = job.as_ephemeral_job(resource_defs={}, input_values={})
    run = instance.create_run_for_job(
        job_def=ephemeral,
        run_config=_quiet_console(job),
        tags={
            **job.run_tags,
            _REPOSITORY_TAG: f"{REPOSITORY_NAME}@{LOCATION_NAME}",
            WORKFLOW_TAG: workflow_id,
            HOST_TAG: socket.gethostname(),
            PROCESS_TAG: str(os.getpid()),
        },
    )
    steps: dict[str, StepOutcome] = {}
    stopped = False
    summaries: dict[str, tuple[str, int | None]] = {}
    error = ""
    started = time.monotonic()
    with bind_run(workflow_id, run.run_id):
        for event in execute_run_iterator(InMemoryJob(ephemeral), run, instance):
            if event.is_successful_output and event.step_key:
                summaries[event.step_key] = _summary(event)
            if event.is_job_failure and event.job_failure_data.error:
                error = explain_failure(event.job_failure_data.error, project)
            if event.is_step_failure and event.step_failure_data.error:
                stopped = stopped or is_interruption(event.step_failure_data.error)
            step = _step(event, workflow_id, project, summaries)
            if step is not None:
                report(step)
                if step.status != "running":
                    steps[step.name] = step
    final = instance.get_run_by_id(run.run_id)
    show_on_index(project, workflow_id, success=final is not None and final.is_success)
    return RunOutcome(
        workflow_id=workflow_id,
        run_id=run.run_id,
        success=final is not None and final.is_success,
        seconds=time.monotonic() - started,
        steps=list(steps.values()),
        error=error,
        stopped=stopped,
    )


def _quiet_console(job: JobDefinition) -> dict[str, object]:
    """Run config that keeps Dagster's own console log silent: our steps report instead."""
    if set(job.loggers) != {"console"}:
        return {}
    return {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _step(
    event: DagsterEvent,
    workflow_id: str,
    project: Project,
    summaries: dict[str, tuple[str, int | None]],
) -> StepOutcome | None:
    if event.step_key is None:
        return None
    name = event.step_key.removesuffix(f"_{workflow_id}")
    if event.is_step_start:
        return StepOutcome(name, "running")
    if event.is_step_success:
        summary, rows = summaries.get(event.step_key, ("", None))
        seconds = event.step_success_data.duration_ms / 1000
        return StepOutcome(name, "succeeded", seconds, summary, rows)
    if event.is_step_skipped:
        return StepOutcome(name, "skipped")
    if event.is_step_failure:
        error = event.step_failure_data.error
        return StepOutcome(
            name,
            "failed",
            error=explain_failure(error, project) if error else (event.message or "failed"),
            traceback=error.to_string() if error else "",
        )
    return None


def _summary(event: DagsterEvent) -> tuple[str, int | None]:
    metadata = event.step_output_data.metadata
    summary = metadata.get("summary")
    rows = metadata.get("rows")
    return (
        str(summary.value) if summary else "",
        int(str(rows.value)) if rows else None,
    )


def _close_dead_runs(instance: DagsterInstance, workflow_id: str) -> None:
    """Mark runs as failed whose process died without a word.

    Whoever holds the workflow's lock knows that no other run of it in this way is alive here.
    """
    from dagster import DagsterRunStatus, RunsFilter

    for run in instance.get_runs(
        RunsFilter(
            tags={WORKFLOW_TAG: workflow_id, HOST_TAG: socket.gethostname()},
            statuses=[
                DagsterRunStatus.NOT_STARTED,
                DagsterRunStatus.STARTING,
                DagsterRunStatus.STARTED,
            ],
        )
    ):
        _report_dead(instance, run)


def _report_dead(instance: DagsterInstance, run: DagsterRun) -> None:
    instance.report_run_failed(
        run, f"The process {run.tags.get(PROCESS_TAG)} that executed this run is gone."
    )


def _ignore(_step: StepOutcome) -> None:
    """What a caller without a report gets."""
