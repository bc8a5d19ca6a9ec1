"""The check of workflows: everything on the checklist, asked as much at once as two cores allow."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.checking.checklist import CHECKLIST, Finding, Point, Report, missing
from dataflow.checking.documentation import check_documentation
from dataflow.checking.loading import (
    CodeRequest,
    Loaded,
    answer_code,
    check_loading,
    prepare_code,
)
from dataflow.checking.models import check_models
from dataflow.checking.planning import check_planning
from dataflow.checking.practice import check_practice
from dataflow.checking.queries import check_dashboard_queries
from dataflow.checking.rehearsal import (
    Rehearsal,
    RehearsalRequest,
    prepare_models,
    prepare_queries,
    rehearse,
)
from dataflow.checking.secrets import check_secrets
from dataflow.checking.signatures import check_signatures
from dataflow.checking.structure import check_structure
from dataflow.checking.subject import Subject
from dataflow.checking.suite import Outcome, TestRun, check_tests
from dataflow.checking.worker import Worker, WorkerLostError
from dataflow.shared.secrecy import guard_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataflow.shared.project import Project

__all__ = ["check_workflows"]


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
        check.start([Subject(project, name) for name in workflow_ids])
        outcome: Outcome | None = None
        if with_tests:
            progress("running the tests")
            tests = TestRun(project, workflow_ids)
            cleanup.callback(tests.stop)
            outcome = tests.wait()
        for name in workflow_ids:
            progress(f"checking {name}")
            yield check.report(Subject(project, name), outcome)


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

    def start(self, subjects: Sequence[Subject]) -> None:
        """Start what these workflows need."""
        self._code.start()
        if any(subject.has("dbt") for subject in subjects):
            self._dbt.start()
        if any(subject.has("evidence") and not subject.has("dbt") for subject in subjects):
            self._plain.start()

    def report(self, subject: Subject, outcome: Outcome | None) -> Report:
        """Check one workflow."""
        began = time.perf_counter()
        has_rehearsal = subject.has("dbt") or subject.has("evidence")
        worker = self._dbt if subject.has("dbt") else self._plain
        # Before the first run only the tests' sample tells which columns there are.
        is_new = not self._project.warehouse_file(subject.workflow_id).is_file()
        sample = self._scratch / f"{subject.workflow_id}.parquet"
        self._code.send(self._code_request(subject, sample if has_rehearsal and is_new else None))
        if has_rehearsal and not is_new:
            worker.send(self._request(subject))
        # All that needs no other process is done while those two work.
        points = [
            *check_planning(subject, with_environment=self._with_environment),
            *check_structure(subject),
            *check_tests(subject, outcome),
            *check_documentation(subject),
            *check_practice(subject),
            check_secrets(subject),
        ]
        try:
            loaded: Loaded = self._code.receive()
        except WorkerLostError as error:
            # What ends the process on import can be in either file.
            lost = (f"It cannot be imported: {error.reason}.", error.instruction)
            loaded = Loaded(lost, lost)
        points += [*check_signatures(subject, loaded.signatures), *check_loading(subject, loaded)]
        rehearsal: Rehearsal | None = None
        lost_points: list[Point] = []
        if has_rehearsal:
            try:
                if is_new:
                    worker.send(self._request(subject, sample if loaded.sample else None))
                rehearsal = worker.receive()
                if not is_new and rehearsal.is_doubtful:
                    rehearsal = self._second_opinion(subject, worker, sample) or rehearsal
            except WorkerLostError as error:
                lost_points = [_lost(subject, error)]
        points += [*check_models(subject, rehearsal), check_dashboard_queries(subject, rehearsal)]
        return Report(
            subject.workflow_id, _in_order([*lost_points, *points]), time.perf_counter() - began
        )

    def _second_opinion(self, subject: Subject, worker: Worker, sample: Path) -> Rehearsal | None:
        """Rehearse with the tests' sample, which may know columns that the warehouse does not."""
        try:
            known: Loaded = self._code.ask(self._code_request(subject, sample))
        except WorkerLostError:
            return None
        second: Rehearsal | None = None
        if known.sample:
            second = worker.ask(self._request(subject, sample))
        return second

    def _code_request(self, subject: Subject, sample: Path | None) -> CodeRequest:
        return CodeRequest(self._project.root, subject.workflow_id, sample)

    def _request(self, subject: Subject, sample: Path | None = None) -> RehearsalRequest:
        return RehearsalRequest(
            self._project.root,
            subject.workflow_id,
            str(subject.setting("load", "table") or subject.workflow_id),
            sample,
            subject.has("dbt"),
            subject.has("evidence"),
        )


def _lost(subject: Subject, error: WorkerLostError) -> Point:
    key = "dbt" if subject.has("dbt") else "queries"
    folder = "dbt" if subject.has("dbt") else "evidence"
    reason = f"It cannot be tried out: {error.reason}."
    return missing(key, Finding(subject.shown(folder), reason, error.instruction))


def _in_order(points: Sequence[Point]) -> tuple[Point, ...]:
    by_key: dict[str, Point] = {}
    for point in points:
        by_key.setdefault(point.topic.key, point)
    return tuple(by_key[topic.key] for topic in CHECKLIST)
