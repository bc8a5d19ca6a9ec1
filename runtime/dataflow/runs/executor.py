"""The executor of every workflow's job: all steps in one process, which holds the workflow."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dagster import ExecutorDefinition, in_process_executor
from dagster._core.errors import DagsterExecutionInterruptedError, raise_execution_interrupts
from dagster._core.executor.in_process import InProcessExecutor

from dataflow.runs.context import RunContext, enter_run, share_with_author
from dataflow.runs.last_run import show_on_index
from dataflow.runs.lock import workflow_lock
from dataflow.runs.policy import time_limit
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterEvent, InitExecutorContext
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project


class RunTimedOutError(DataflowError):
    """A run took longer than its workflow allows."""


def holding_executor(
    project: Project, workflow_id: str, config: WorkflowConfig | None = None
) -> ExecutorDefinition:
    """Dagster's in-process executor, holding the workflow from the first step to the last.

    Runs that Dagster starts then wait for those that `dataflow workflow run` executes, and the
    other way round, whatever the author's ops do. Run config stays that of ``in_process``.
    """

    def create(init_context: InitExecutorContext) -> InProcessExecutor:
        plain: Any = in_process_executor.executor_creation_fn
        return _HoldingExecutor(project, workflow_id, config, plain(init_context))

    schema: Any = in_process_executor.config_schema
    return ExecutorDefinition("in_process", config_schema=schema, executor_creation_fn=create)


class _HoldingExecutor(InProcessExecutor):
    def __init__(
        self,
        project: Project,
        workflow_id: str,
        config: WorkflowConfig | None,
        inner: InProcessExecutor,
    ) -> None:
        super().__init__(inner.retries, inner.step_dependency_config)
        self._project = project
        self._workflow_id = workflow_id
        self._config = config

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        def say(holder: str) -> None:
            plan_context.log.info(f"Waiting for {holder}, which holds {self._workflow_id}.")

        project, workflow_id = self._project, self._workflow_id
        limit = self._config.run.timeout_seconds if self._config else None
        run = RunContext(project, workflow_id, plan_context.run_id, self._config)
        with ExitStack() as stack:
            stack.enter_context(share_with_author(project, workflow_id, self._config))
            stack.enter_context(enter_run(run))
            # Outside of a step Dagster keeps interrupts for later; a cancelled run must not wait.
            with raise_execution_interrupts():
                stack.enter_context(workflow_lock(project, workflow_id, say))
            success = True
            time_is_up = stack.enter_context(time_limit(limit))
            try:
                for event in super().execute(plan_context, execution_plan):
                    success = success and not event.is_step_failure
                    yield event
            except DagsterExecutionInterruptedError:
                if not time_is_up.is_set():
                    raise
                raise RunTimedOutError(
                    f"The run took longer than {limit} seconds.",
                    "Find out what it waits for, or raise run.timeout_seconds in config.yaml.",
                ) from None
            show_on_index(project, workflow_id, success=success)
