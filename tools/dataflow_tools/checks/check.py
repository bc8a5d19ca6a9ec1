"""The check of workflows: everything on the checklist, asked as much at once as two cores allow."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.finding import Finding
from dataflow.shared.output_redaction import guard_output
from dataflow_tools.checks.checklist import Report, as_advice, judge, load_checks
from dataflow_tools.checks.suite import TestRun
from dataflow_tools.checks.trial import Trial, Workers
from dataflow_tools.checks.tried_workflow import Outcome
from dataflow_tools.checks.workflow_source import WorkflowSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.checks.protocol import Check
    from dataflow_tools.checks.tried_workflow import TriedWorkflow


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
        with_environment: Whether the variables that they read have to be set.
        progress: Told in a few words what is being done.
    """
    guard_output()
    with ExitStack() as cleanup:
        workers = Workers(cleanup)
        workers.start([WorkflowSource(project, name) for name in workflow_ids])
        checks = load_checks()
        outcome: Outcome | None = None
        if with_tests:
            progress("running the tests")
            outcome = _tested(project, workflow_ids, cleanup)
        for name in workflow_ids:
            progress(f"checking {name}")
            yield _check(Trial(project, name, outcome, with_environment, workers), checks)


def _tested(project: Project, workflow_ids: Sequence[str], cleanup: ExitStack) -> Outcome:
    try:
        tests = TestRun(project, workflow_ids)
    except MissingDependencyError as error:
        # The other points can be looked at without.
        outcome = Outcome()
        for name in workflow_ids:
            outcome.findings[name].append(Finding.of(error))
        return outcome
    cleanup.callback(tests.stop)
    return tests.wait()


def _check(workflow: Trial, checks: dict[str, Check[TriedWorkflow]]) -> Report:
    began = time.perf_counter()
    workflow.begin()
    # All that needs no other process is done while those two work.
    in_turn = sorted(checks.items(), key=lambda item: item[1].waits)
    points = {key: judge(key, check, workflow) for key, check in in_turn}
    if not workflow.is_rendered:
        points = {key: as_advice(point) for key, point in points.items()}
    return Report(
        workflow.workflow_id, tuple(points[key] for key in checks), time.perf_counter() - began
    )
