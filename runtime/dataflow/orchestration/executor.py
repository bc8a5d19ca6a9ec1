"""The executor of every workflow's job: all steps in one process, which holds the workflow."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from dagster import ExecutorDefinition, in_process_executor
from dagster._core.errors import raise_execution_interrupts
from dagster._core.executor.in_process import InProcessExecutor

from dataflow.orchestration.index_page import show_on_index
from dataflow.orchestration.lock import workflow_lock
from dataflow.shared.logging import bind_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterEvent, InitExecutorContext
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan

    from dataflow.shared.project import Project

__all__ = ["holding_executor"]


def holding_executor(project: Project, workflow_id: str) -> ExecutorDefinition:
    """Dagster's in-process executor, holding the workflow from the first step to the last.

    Runs that Dagster starts then wait for those that `dataflow workflow run` executes, and the
    other way round, whatever the author's ops do. Run config stays that of ``in_process``.
    """

    def create(init_context: InitExecutorContext) -> InProcessExecutor:
        plain: Any = in_process_executor.executor_creation_fn
        return _HoldingExecutor(project, workflow_id, plain(init_context))

    schema: Any = in_process_executor.config_schema
    return ExecutorDefinition("in_process", config_schema=schema, executor_creation_fn=create)


class _HoldingExecutor(InProcessExecutor):
    def __init__(self, project: Project, workflow_id: str, inner: InProcessExecutor) -> None:
        super().__init__(inner.retries, inner.step_dependency_config)
        self._project = project
        self._workflow_id = workflow_id

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
            for event in super().execute(plan_context, execution_plan):
                success = success and not event.is_step_failure
                yield event
            show_on_index(self._project, self._workflow_id, success=success)
