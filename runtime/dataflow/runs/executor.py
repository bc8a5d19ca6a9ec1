"""The executor of every workflow's job: all steps in one process, which holds the workflow."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dagster import ExecutorDefinition, in_process_executor
from dagster._core.errors import DagsterExecutionInterruptedError, raise_execution_interrupts
from dagster._core.executor.in_process import InProcessExecutor

from dataflow.runs.last_run import show_on_index
from dataflow.runs.lock import workflow_lock
from dataflow.runs.policy import time_limit
from dataflow.shared.errors import DataflowError
from dataflow.shared.logging import bind_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterEvent, InitExecutorContext
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan

    from dataflow.shared.project import Project


class RunTimedOutError(DataflowError):
    """A run took longer than its workflow allows."""


def holding_executor(
    project: Project, workflow_id: str, timeout: float | None = None
) -> ExecutorDefinition:
    """Dagster's in-process executor, holding the workflow from the first step to the last.

    Runs that Dagster starts then wait for those that `dataflow workflow run` executes, and the
    other way round, whatever the author's ops do. Run config stays that of ``in_process``.

    Args:
        project: The project.
        workflow_id: The workflow to hold.
        timeout: Seconds that the steps may take together.
    """

    def create(init_context: InitExecutorContext) -> InProcessExecutor:
        plain: Any = in_process_executor.executor_creation_fn
        return _HoldingExecutor(project, workflow_id, timeout, plain(init_context))

    schema: Any = in_process_executor.config_schema
    return ExecutorDefinition("in_process", config_schema=schema, executor_creation_fn=create)


class _HoldingExecutor(InProcessExecutor):
    def __init__(
        self, project: Project, workflow_id: str, timeout: float | None, inner: InProcessExecutor
    ) -> None:
        super().__init__(inner.retries, inner.step_dependency_config)
        self._project = project
        self._workflow_id = workflow_id
        self._timeout = timeout

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        def say(holder: str) -> None:
            plan_context.log.info(f"Waiting for {holder}, which holds {self._workflow_id}.")

        with ExitStack() as stack:
            stack.enter_context(bind_run(self._workflow_id, plan_context.run_id))
            # Outside of a step Dagster keeps interrupts for later; a cancelled run must not wait.
            with raise_execution_interrupts():
                stack.enter_context(workflow_lock(self._project, self._workflow_id, say))
            success = True
            time_is_up = stack.enter_context(time_limit(self._timeout))
            try:
                for event in super().execute(plan_context, execution_plan):
                    success = success and not event.is_step_failure
                    yield event
            except DagsterExecutionInterruptedError:
                if not time_is_up.is_set():
                    raise
                raise RunTimedOutError(
                    f"The run took longer than {self._timeout} seconds.",
                    "Find out what it waits for, or raise run.timeout_seconds in config.yaml.",
                ) from None
            show_on_index(self._project, self._workflow_id, success=success)
