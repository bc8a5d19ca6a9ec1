"""The check of workflows: everything on the checklist, asked as much at once as two cores allow."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.output_redaction import guard_output
from dataflow_tools.checks.checklist import CHECKLIST, Finding, Point, Report, missing
from dataflow_tools.checks.dashboard_queries import check_dashboard_queries
from dataflow_tools.checks.dbt_models import check_models
from dataflow_tools.checks.documentation import check_documentation
from dataflow_tools.checks.dry_run import (
    DryRun,
    DryRunRequest,
    prepare_models,
    prepare_queries,
    rehearse,
)
from dataflow_tools.checks.loading import (
    CodeRequest,
    Loaded,
    answer_code,
    check_loading,
    prepare_code,
)
from dataflow_tools.checks.planning import check_planning
from dataflow_tools.checks.practice import check_practice
from dataflow_tools.checks.secrets import check_secrets
from dataflow_tools.checks.signatures import check_signatures
from dataflow_tools.checks.structure import check_structure
from dataflow_tools.checks.suite import Outcome, TestRun, check_tests
from dataflow_tools.checks.worker import Worker, WorkerLostError
from dataflow_tools.checks.workflow_source import WorkflowSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataflow.shared.project import Project


def check_workflows(
    project: Project,
    workflow_ids: Sequence[str],
    *,
    with_tests: bool = True,
    with_environment: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Report]:
    """Check workflows against the authoring checklist, one after the other.

    Their code is imported, their models are built on empty tables and their tests run in other
    processes; no source is asked and no table of the warehouse is written.

    Args:
        project: The project.
        workflow_ids: Workflows that it has.
        with_tests: Whether to run their tests.
        with_environment: Whether the variables that they read have to be set.
        progress: Told in a few words what is being done.

    Raises:
        MissingDependencyError: What searches for secrets is not installed.
    """
    guard_output()
    with ExitStack() as cleanup:
        check = _Check(project, cleanup, with_environment=with_environment)
        check.start([WorkflowSource(project, name) for name in workflow_ids])
        outcome: Outcome | None = None
        if with_tests:
            progress("running the tests")
            tests = TestRun(project, workflow_ids)
            cleanup.callback(tests.stop)
            outcome = tests.wait()
        for name in workflow_ids:
            progress(f"checking {name}")
            yield check.report(WorkflowSource(project, name), outcome)


class _Check:
    """What the check of several workflows shares: two processes and a scratch folder."""

    def __init__(self, project: Project, cleanup: ExitStack, *, with_environment: bool) -> None:
        self._project = project
        self._with_environment = with_environment
        self._scratch = Path(
            cleanup.enter_context(tempfile.TemporaryDirectory(prefix="dataflow-check-"))
        )
        self._code = Worker(answer_code, prepare_code)
        self._plain = Worker(rehearse, prepare_queries)
        self._dbt = Worker(rehearse, prepare_models)
        for worker in (self._code, self._plain, self._dbt):
            cleanup.callback(worker.close)

    def start(self, subjects: Sequence[WorkflowSource]) -> None:
        """Start what these workflows need."""
        self._code.start()
        if any(workflow.has("dbt") for workflow in subjects):
            self._dbt.start()
        if any(workflow.has("evidence") and not workflow.has("dbt") for workflow in subjects):
            self._plain.start()

    def report(self, workflow: WorkflowSource, outcome: Outcome | None) -> Report:
        """Check one workflow."""
        began = time.perf_counter()
        has_rehearsal = workflow.has("dbt") or workflow.has("evidence")
        worker = self._dbt if workflow.has("dbt") else self._plain
        # Before the first run only the tests' sample tells which columns there are.
        is_new = not self._project.warehouse_file(workflow.workflow_id).is_file()
        sample = self._scratch / f"{workflow.workflow_id}.parquet"
        self._code.send(self._code_request(workflow, sample if has_rehearsal and is_new else None))
        if has_rehearsal and not is_new:
            worker.send(self._request(workflow))
        # All that needs no other process is done while those two work.
        points = [
            *check_planning(workflow, with_environment=self._with_environment),
            *check_structure(workflow),
            *check_tests(workflow, outcome),
            *check_documentation(workflow),
            *check_practice(workflow),
            check_secrets(workflow),
        ]
        try:
            loaded: Loaded = self._code.receive()
        except WorkerLostError as error:
            # What ends the process on import can be in either file.
            lost = (f"It cannot be imported: {error.reason}.", error.instruction)
            loaded = Loaded(lost, lost)
        points += [*check_signatures(workflow, loaded.signatures), *check_loading(workflow, loaded)]
        dry_run: DryRun | None = None
        lost_points: list[Point] = []
        if has_rehearsal:
            try:
                if is_new:
                    worker.send(self._request(workflow, sample if loaded.sample else None))
                dry_run = worker.receive()
                if not is_new and dry_run.is_doubtful:
                    dry_run = self._second_opinion(workflow, worker, sample) or dry_run
            except WorkerLostError as error:
                lost_points = [_lost(workflow, error)]
        points += [*check_models(workflow, dry_run), check_dashboard_queries(workflow, dry_run)]
        return Report(
            workflow.workflow_id, _in_order([*lost_points, *points]), time.perf_counter() - began
        )

    def _second_opinion(
        self, workflow: WorkflowSource, worker: Worker, sample: Path
    ) -> DryRun | None:
        """Rehearse with the tests' sample, which may know columns that the warehouse does not."""
        try:
            known: Loaded = self._code.ask(self._code_request(workflow, sample))
        except WorkerLostError:
            return None
        second: DryRun | None = None
        if known.sample:
            second = worker.ask(self._request(workflow, sample))
        return second

    def _code_request(self, workflow: WorkflowSource, sample: Path | None) -> CodeRequest:
        return CodeRequest(self._project.root, workflow.workflow_id, sample)

    def _request(self, workflow: WorkflowSource, sample: Path | None = None) -> DryRunRequest:
        return DryRunRequest(
            self._project.root,
            workflow.workflow_id,
            str(workflow.setting("load", "table") or workflow.workflow_id),
            sample,
            workflow.has("dbt"),
            workflow.has("evidence"),
        )


def _lost(workflow: WorkflowSource, error: WorkerLostError) -> Point:
    key = "dbt" if workflow.has("dbt") else "queries"
    folder = "dbt" if workflow.has("dbt") else "evidence"
    reason = f"It cannot be tried out: {error.reason}."
    return missing(key, Finding(workflow.shown(folder), reason, error.instruction))


def _in_order(points: Sequence[Point]) -> tuple[Point, ...]:
    by_key: dict[str, Point] = {}
    for point in points:
        by_key.setdefault(point.topic.key, point)
    return tuple(by_key[topic.key] for topic in CHECKLIST)
