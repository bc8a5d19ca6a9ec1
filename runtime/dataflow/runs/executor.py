"""The executor of every workflow's job: one process holds the workflow and ends the run."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dagster import DagsterRunStatus, Executor, ExecutorDefinition, in_process_executor
from dagster._core.errors import DagsterExecutionInterruptedError, raise_execution_interrupts
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

from dataflow.runs.asset_events import (
    report_events,
    take_up_events,
    told_events,
    workflow_of_assets,
)
from dataflow.runs.context import RunContext, enter_run, resumed_run, share_with_author
from dataflow.runs.last_run import show_on_index
from dataflow.runs.launch_config import asked_tags
from dataflow.runs.lock import alive, workflow_lock
from dataflow.runs.module_definitions import uses_steps
from dataflow.runs.part_check import check_parts
from dataflow.runs.place import check_place, check_reach, place_tags
from dataflow.runs.policy import ends_in_time
from dataflow.runs.promotion import (
    finish_interrupted_promotion,
    follows_in_backfill,
    promote_run,
    take_up,
)
from dataflow.runs.run_note import noted
from dataflow.runs.run_parameters import with_run_parameters
from dataflow.runs.shared_run import require_target
from dataflow.shared.errors import DataflowError
from dataflow.warehouse.upstream_tables import hold_upstream_tables, release_upstream_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterEvent, InitExecutorContext
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.step_dependency_config import StepDependencyConfig

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project


class RunIncompleteError(DataflowError):
    """An executor ended before all steps were executed.

    Why: The executor of the job (its own, or one that `dagster.yaml` names) ended without an
    error and without having executed all steps.

    What to do: Run the workflow again. If it comes again, take out `executor_def` of the job to
    see whether it is the executor's fault.
    """


def holding_executor(
    project: Project,
    workflow_id: str,
    config: WorkflowConfig | None = None,
    steps_by: ExecutorDefinition = in_process_executor,
) -> ExecutorDefinition:
    """An executor of Dagster's, holding the workflow from the first step to the last.

    Runs that Dagster starts then wait for those that `dataflow workflow run` executes, and the
    other way round, whatever the author's ops do. At the end of a run that went well, what it
    wrote becomes visible. Run config stays that of ``steps_by``.
    """

    def create(init_context: InitExecutorContext) -> Executor:
        inner: Any = steps_by.executor_creation_fn
        return _HoldingExecutor(project, workflow_id, config, inner(init_context))

    schema: Any = steps_by.config_schema
    return ExecutorDefinition(
        steps_by.name, schema, steps_by.get_requirements, executor_creation_fn=create
    )


def promoting_executor(run: RunContext) -> ExecutorDefinition:
    """An executor in this process, for a run that holds the workflow already."""
    steps = InProcessExecutor(retries=RetryMode.ENABLED)
    name = "in_process"  # shown nowhere
    return ExecutorDefinition(name, executor_creation_fn=lambda _: _PromotingExecutor(run, steps))


def noting_executor(project: Project) -> ExecutorDefinition:
    """An executor in this process for runs of no workflow's job: of assets, or an author's others.

    Who holds a workflow in them are their steps; what became of the run is noted.
    """
    inner: Any = in_process_executor

    def create(init_context: InitExecutorContext) -> Executor:
        return _NotingExecutor(project, inner.executor_creation_fn(init_context))

    return ExecutorDefinition(
        inner.name, inner.config_schema, inner.get_requirements, executor_creation_fn=create
    )


class _WholeRun(Executor):
    """Lets another executor execute the steps."""

    def __init__(self, steps: Executor) -> None:
        self._steps = steps

    @property
    def retries(self) -> RetryMode:
        return self._steps.retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        return self._steps.step_dependency_config


class _PromotingExecutor(_WholeRun):
    """Makes a run's work visible after its last step, before Dagster calls it a success.

    This is the one place that every run passes, in this process or on the service, with steps in
    one process or in many, whatever ops the author's job has: a step cannot know that it is the
    last, and who is told of a run's success comes too late to make it a failure.
    """

    def __init__(self, run: RunContext, steps: Executor) -> None:
        super().__init__(steps)
        self._run = run

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        run, events = self._run, self._execute(plan_context, execution_plan)
        return noted(run.project, run.workflow_id, run.run_id, events)

    def _execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        require_target(self._run)
        finish_interrupted_promotion(self._run.project, self._run.workflow_id)
        if self._run.resumes:
            take_up(self._run)
            take_up_events(self._run)
        # A run that goes on from a failed one goes on with the tables that that one has read.
        if not self._run.resumes or not all(held.exists() for held in self._run.upstream.values()):
            hold_upstream_tables(self._run.project, self._run.workflow_id, self._run.upstream)
        has_failed = False
        done: set[str | None] = set()
        for event in self._steps.execute(plan_context, execution_plan):
            has_failed = has_failed or event.is_step_failure
            if event.is_step_success or event.is_step_skipped:
                done.add(event.step_key)
            yield event
        # Promotion clears the run's folder away.
        told = told_events(self._run)
        instance, job_name = plan_context.instance, plan_context.job_name
        if has_failed:
            report_events(instance, self._run.run_id, job_name, told, success=False)
            return
        # What an executor that was ended leaves out is no failure to Dagster. Of a dynamic step
        # only its copies are executed.
        planned = (key for key in execution_plan.step_keys_to_execute if "[" not in key)
        if left_out := sorted(set(planned) - done):
            raise RunIncompleteError(
                f"These steps were not executed: {', '.join(left_out)}.",
                "Run the workflow again; the tables are as they were.",
            )
        asked = instance.get_run_by_id(self._run.run_id)
        if asked is not None and asked.status == DagsterRunStatus.CANCELING:
            # Python drops an interrupt that comes while something is being finalised.
            raise DagsterExecutionInterruptedError
        tags = plan_context.dagster_run.tags
        project, workflow_id = self._run.project, self._run.workflow_id
        follows = follows_in_backfill(instance, project, workflow_id, tags)
        promote_run(self._run, keeps_replaced=not follows)
        if self._run.upstream:
            release_upstream_tables(self._run.upstream)
        report_events(instance, self._run.run_id, job_name, told, success=True)


class _NotingExecutor(_WholeRun):
    def __init__(self, project: Project, steps: Executor) -> None:
        super().__init__(steps)
        self._project = project

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        run = plan_context.dagster_run
        workflow_id = workflow_of_assets(run, self._project) or run.job_name.removesuffix("_job")
        events = self._steps.execute(plan_context, execution_plan)
        return noted(self._project, workflow_id, run.run_id, events)


class _HoldingExecutor(_WholeRun):
    def __init__(
        self,
        project: Project,
        workflow_id: str,
        config: WorkflowConfig | None,
        steps: Executor,
    ) -> None:
        super().__init__(steps)
        self._project = project
        self._workflow_id = workflow_id
        self._config = config

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        def say(holder: str) -> None:
            plan_context.log.info(f"Waiting for {holder}, which holds {self._workflow_id}.")

        project, workflow_id = self._project, self._workflow_id
        # Steps in processes of their own are ended by Dagster's run monitoring.
        is_here = isinstance(self._steps, InProcessExecutor)
        limit = self._config.run.timeout_seconds if self._config and is_here else None
        run_id, resumes = plan_context.run_id, resumed_run(plan_context.dagster_run)
        dagster_run = plan_context.dagster_run
        config = with_run_parameters(self._config, dagster_run.run_config)
        run = RunContext(project, workflow_id, run_id, config, resumes=resumes)
        check_reach(project)
        if place := place_tags(project):
            plan_context.instance.add_run_tags(run_id, place)
        tags = asked_tags(dagster_run)
        check_parts(project, workflow_id, tags, has_steps=uses_steps(workflow_id))
        with ExitStack() as stack:
            stack.enter_context(share_with_author(project, workflow_id, config))
            stack.enter_context(enter_run(run))
            # Outside of a step Dagster keeps interrupts for later; a cancelled run must not wait.
            with raise_execution_interrupts():
                stack.enter_context(alive(project, run_id))
                stack.enter_context(workflow_lock(project, workflow_id, say, run_id))
            # Not before: where the last run was may have changed while this one waited.
            check_place(project, workflow_id, plan_context.instance)
            success = True
            stack.enter_context(ends_in_time(limit))
            for event in _PromotingExecutor(run, self._steps).execute(plan_context, execution_plan):
                success = success and not event.is_step_failure
                yield event
            show_on_index(project, workflow_id, self._config, success=success)
