"""The check of workflows: everything on the checklist, asked as much at once as the cores allow."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.shared.output_redaction import guard_output
from dataflow_tools.checks.checklist import Point, Report, as_advice, judge, load_checks
from dataflow_tools.checks.loaded_libraries import processes_for
from dataflow_tools.checks.pytest_run import PytestRuns
from dataflow_tools.checks.trial import Trial, Workers
from dataflow_tools.checks.workflow_source import WorkflowSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.checks.protocol import Check
    from dataflow_tools.checks.python_processes import PythonProcesses
    from dataflow_tools.checks.tried_workflow import TriedWorkflow


def check_workflows(
    project: Project,
    workflow_ids: Sequence[str],
    *,
    with_tests: bool = True,
    with_environment: bool = True,
    progress: Callable[[str], None] = lambda _: None,
    processes: PythonProcesses | None = None,
) -> Iterator[Report]:
    """Check workflows against the authoring checklist; reports come in the order of the ids.

    Their code is imported, their models are built on empty tables and their tests run in other
    processes; no source is asked and no table of the warehouse is written. The tests go on while
    all else is looked at.

    Args:
        with_environment: Whether the variables that they read have to be set.
        progress: Told in a few words what is being done.
        processes: What `processes_for` has made of them, which is closed at the end.
    """
    guard_output()
    workflows = [WorkflowSource(project, name) for name in workflow_ids]
    with ExitStack() as cleanup:
        processes = processes or processes_for(project, workflow_ids, with_tests=with_tests)
        cleanup.callback(processes.close)
        tests: PytestRuns | None = None
        if with_tests:
            # They take longest, and so begin first.
            tests = PytestRuns(project, workflow_ids, processes)
            cleanup.callback(tests.stop)
        workers = Workers(cleanup, processes)
        workers.start(workflows)
        checks = load_checks()
        judged = []
        for number, name in enumerate(workflow_ids, 1):
            progress(_doing("checking", number, workflow_ids))
            points = _Points(Trial(project, name, with_environment, workers, tests), checks)
            points.judge_files_and_trial()
            if tests is None:
                yield points.report()
            else:
                judged.append(points)
        for number, points in enumerate(judged, 1):
            progress(_doing("running the tests of", number, workflow_ids))
            yield points.report()


def _doing(what: str, number: int, workflow_ids: Sequence[str]) -> str:
    counted = f"{number} of {len(workflow_ids)}: " if len(workflow_ids) > 1 else ""
    return f"{what} {counted}{workflow_ids[number - 1]}"


@dataclass
class _Points:
    """How one workflow stands, as far as it has been judged."""

    workflow: Trial
    checks: dict[str, Check[TriedWorkflow]]
    _found: dict[str, Point] = field(default_factory=dict)
    _seconds: float = 0.0

    def judge_files_and_trial(self) -> None:
        """Judge all but what the tests decide."""
        began = time.perf_counter()
        self.workflow.begin()
        # All that needs no other process is done while those work.
        for key, check in sorted(self.checks.items(), key=lambda item: item[1].waits):
            if not check.waits_for_tests:
                self._found[key] = judge(key, check, self.workflow)
        self._seconds += time.perf_counter() - began

    def report(self) -> Report:
        """Judge the rest, which waits for the tests."""
        began = time.perf_counter()
        for key, check in self.checks.items():
            if key not in self._found:
                self._found[key] = judge(key, check, self.workflow)
        points = [self._found[key] for key in self.checks]
        if not self.workflow.is_rendered:
            points = [as_advice(point) for point in points]
        self._seconds += time.perf_counter() - began
        return Report(self.workflow.workflow_id, tuple(points), self._seconds)
