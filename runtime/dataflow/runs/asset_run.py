"""Making some of a workflow's tables for Dagster's assets: a run of its own inside of a step.

What it makes is seen when all of it has succeeded, and Dagster is told of it after that, so that a
step that comes after it in the same run finds it: an author's asset, or another workflow's models.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetMaterialization,
    MaterializeResult,
)

from dataflow.runs.asset_events import report_events, told_events, workflow_of_assets
from dataflow.runs.context import RunContext, enter_run, own_config, share_with_author
from dataflow.runs.dagster_names import LOADED_ROWS, SUMMARY, WORKFLOW_TAG
from dataflow.runs.last_run import show_on_index
from dataflow.runs.lock import alive, workflow_lock
from dataflow.runs.place import check_place, check_reach
from dataflow.runs.policy import ends_in_time, timeout_tags
from dataflow.runs.promotion import finish_interrupted_promotion, promote_run
from dataflow.runs.run_events import run_event
from dataflow.runs.run_part import DASHBOARD, MODELS, loaded_before, part_tags
from dataflow.runs.run_progress import RunProgress
from dataflow.runs.table_making import make_dashboard, make_models
from dataflow.shared.project import find_project
from dataflow.warehouse.upstream_tables import hold_upstream_tables, release_upstream_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster import JobDefinition, OpExecutionContext

    from dataflow.runs.asset_events import AssetEvent

    Told = list[AssetEvent]


def make_assets(
    context: OpExecutionContext,
    workflow_id: str,
    models: Sequence[str],
    *,
    loaded_by: JobDefinition | None,
    with_all_models: bool,
    with_dashboard: bool,
) -> Iterator[Any]:
    """Load tables, make models and the dashboard, show them, and give what Dagster is to be told.

    Args:
        models: The names of those to build.
        loaded_by: The ops that load the raw tables; None if they are to stay as they are.
        with_all_models: Whether they are all there are.
        with_dashboard: Whether to publish again.

    Raises:
        DataflowError: There is nothing to make them from, or they cannot be made; all is as it was.
    """
    parts = [*([MODELS] if models else []), *([DASHBOARD] if with_dashboard else [])]
    _tag(context, workflow_id, [] if loaded_by else parts)
    told: Told = []
    said: list[str] = []
    rows: int | None = None
    with _run(context, workflow_id) as run:
        try:
            if loaded_by is None:
                loaded_before(run)
            else:
                # In this process and run: its steps find both as if it were a run of the job.
                done = loaded_by.execute_in_process(run_config=loaded_by.run_config)
                steps = RunProgress(workflow_id, run.project)
                for event in done.all_events:
                    steps.add(run_event(event))
                said += [step.summary for step in steps.steps if step.summary]
                rows = next((s.rows for s in reversed(steps.steps) if s.rows is not None), None)
                _take_up(run, told)
            if models:
                said.append(make_models(run, () if with_all_models else models)[1])
                _take_up(run, told)
                context.log.info(said[-1])
            if with_dashboard:
                said.append(make_dashboard(run)[1])
                _take_up(run, told)
                context.log.info(said[-1])
        except Exception:
            _take_up(run, told)
            _report(context, told, success=False)
            raise
        promote_run(run)
        if run.upstream:
            release_upstream_tables(run.upstream)
    yield from _results(context, told, {SUMMARY: "; ".join(said), LOADED_ROWS: rows})


def _take_up(run: RunContext, told: Told) -> None:
    """Take up what has been told since: a step writes down what it has told last."""
    told += [event for _, event in told_events(run) if event not in told]


@contextmanager
def _run(context: OpExecutionContext, workflow_id: str) -> Iterator[RunContext]:
    """Hold the workflow, with all that a run of it has."""

    def say(holder: str) -> None:
        context.log.info(f"Waiting for {holder}, which holds {workflow_id}.")

    project, success = find_project(), False
    with share_with_author(project, workflow_id) as config:
        run = RunContext(project, workflow_id, context.run_id, config)
        limit = config.run.timeout_seconds if config else None
        check_reach(project)
        with (
            alive(project, run.run_id),
            workflow_lock(project, workflow_id, say, run.run_id),
            enter_run(run),
        ):
            check_place(project, workflow_id, context.instance)
            finish_interrupted_promotion(project, workflow_id)
            hold_upstream_tables(project, workflow_id, run.upstream)
            try:
                with ends_in_time(limit):
                    yield run
                success = True
            finally:
                show_on_index(project, workflow_id, config, success=success)


def _tag(context: OpExecutionContext, workflow_id: str, parts: Sequence[str]) -> None:
    """Let lists find the run as one of the workflow, unless it is one of several."""
    project = find_project()
    if WORKFLOW_TAG not in context.run.tags and workflow_of_assets(context.run, project):
        config = own_config(project, workflow_id)
        limit = timeout_tags(config.run if config else None)
        tags = {WORKFLOW_TAG: workflow_id, **part_tags(parts), **limit}
        context.instance.add_run_tags(context.run_id, tags)


def _results(
    context: OpExecutionContext, told: Told, of_step: dict[str, str | int | None]
) -> Iterator[Any]:
    """What was made and checked, where it was asked for; Dagster is told of the rest at once.

    Args:
        of_step: What the last of these says of the whole step.
    """
    asked, checks = context.selected_asset_keys, context.selected_asset_check_keys
    others: Told = []
    made = [each for each in told if isinstance(each, AssetMaterialization)]
    last = next((each for each in reversed(made) if each.asset_key in asked), None)
    for event in told:
        if isinstance(event, AssetMaterialization) and event.asset_key in asked:
            said = {k: v for k, v in of_step.items() if v is not None} if event is last else {}
            yield MaterializeResult(asset_key=event.asset_key, metadata={**event.metadata, **said})
        elif isinstance(event, AssetCheckEvaluation) and event.asset_check_key in checks:
            yield AssetCheckResult(
                asset_key=event.asset_key,
                check_name=event.check_name,
                passed=event.passed,
                severity=event.severity,
                description=event.description,
                metadata=event.metadata,
            )
        else:
            others.append(event)
    _report(context, others, success=True)


def _report(context: OpExecutionContext, told: Told, *, success: bool) -> None:
    step_key = context.get_step_execution_context().step.key
    by_step = [(step_key, event) for event in told]
    report_events(context.instance, context.run_id, context.job_name, by_step, success=success)
