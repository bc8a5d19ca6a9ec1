"""Trying workflows out in other processes: their code, models and dashboard queries."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.finding import Finding
from dataflow.shared.upstream import is_workflow_folder
from dataflow.warehouse.kind import visible_warehouse
from dataflow_tools.checks.dry_run import (
    DryRunRequest,
    perform_dry_run,
    prepare_models,
    prepare_queries,
)
from dataflow_tools.checks.loading import CodeRequest, answer_code, prepare_code
from dataflow_tools.checks.tried_workflow import DryRun, Loaded, TriedWorkflow
from dataflow_tools.checks.worker import Worker, WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from dataflow_tools.checks.pytest_run import PytestRuns
    from dataflow_tools.checks.python_processes import PythonProcesses
    from dataflow_tools.checks.tried_workflow import Outcome
    from dataflow_tools.checks.workflow_source import WorkflowSource


# Where dbt packages are named, which the first run installs.
_PACKAGES = ("packages.yml", "dependencies.yml")


class Workers:
    """The processes in which workflows are tried out, and a folder for what they write."""

    def __init__(self, cleanup: ExitStack, processes: PythonProcesses) -> None:
        self.scratch = Path(
            cleanup.enter_context(tempfile.TemporaryDirectory(prefix="dataflow-check-"))
        )
        # Of which workflows a dry run has made all tables, as far as it was tried.
        self.tried: dict[str, bool] = {}
        self.code = Worker(answer_code, prepare_code, processes=processes)
        self._queries = Worker(perform_dry_run, prepare_queries, processes=processes)
        self._models = Worker(perform_dry_run, prepare_models, processes=processes)
        for worker in (self.code, self._queries, self._models):
            cleanup.callback(worker.close)

    def start(self, workflows: Sequence[WorkflowSource]) -> None:
        """Start what these workflows need."""
        self.code.start()
        for workflow in workflows:
            if workflow.has("dbt") or workflow.has("evidence"):
                self.dry_runner(workflow).start()

    def dry_runner(self, workflow: WorkflowSource) -> Worker:
        """The process for a workflow's dry run; only one of them has imported dbt."""
        return self._models if workflow.has("dbt") else self._queries


@dataclass(frozen=True)
class Trial(TriedWorkflow):
    """A workflow that is tried out in these processes.

    Args:
        pytest_runs: The tests, of this workflow among others; ``None`` if they are not run.
    """

    workers: Workers
    pytest_runs: PytestRuns | None = None

    @property
    def outcome(self) -> Outcome | None:
        """How its tests ended, which is waited for; ``None`` if they were not run."""
        return self.pytest_runs.outcome(self.workflow_id) if self.pytest_runs is not None else None

    def begin(self) -> None:
        """Ask the processes for all that they can answer by themselves.

        The workflows that it comes after are tried before it, once for all that come after them.
        """
        if self.pytest_runs is not None and self._shares_dbt_files:
            self.pytest_runs.wait()
        for name in self._upstreams:
            if name not in self.workers.tried:
                self.workers.tried[name] = False
                other = replace(self, workflow_id=name, pytest_runs=None)
                other.begin()
                self.workers.tried[name] = other._makes_tables()
        # Before the first run only the tests' sample tells which columns there are.
        is_sample_needed = self._has_dry_run and self._is_new
        self.workers.code.send(self._code_request(self._sample if is_sample_needed else None))
        if self._has_dry_run and not self._is_new:
            self._dry_runner.send(self._dry_run_request())

    @cached_property
    def loaded(self) -> Loaded:
        """What came of importing its code."""
        try:
            loaded: Loaded = self.workers.code.receive()
        except WorkerLostError as error:
            # What ends the process on import can be in either file.
            lost = (f"It cannot be imported: {error.reason}.", error.instruction)
            return Loaded(self.finding(*lost, "dagster_job.py"), self.finding(*lost, "assets.py"))
        return loaded

    @cached_property
    def dry_run(self) -> DryRun:
        """What came of its dry run; there is one if it has models or dashboards."""
        try:
            if self._is_new:
                sample = self._sample if self.loaded.sample else None
                self._dry_runner.send(self._dry_run_request(sample))
            dry_run: DryRun = self._dry_runner.receive()
            if not self._is_new and dry_run.is_doubtful:
                dry_run = self._second_opinion() or dry_run
        except WorkerLostError as error:
            reason = f"It cannot be tried out: {error.reason}."
            return DryRun(lost=Finding(reason, error.instruction))
        return dry_run

    def _second_opinion(self) -> DryRun | None:
        """A dry run with the tests' sample, which may know columns that the warehouse lacks."""
        _ = self.loaded  # the process answers one request at a time
        try:
            known: Loaded = self.workers.code.ask(self._code_request(self._sample))
        except WorkerLostError:
            return None
        second: DryRun | None = None
        if known.sample:
            second = self._dry_runner.ask(self._dry_run_request(self._sample))
        return second

    @cached_property
    def _is_new(self) -> bool:
        return not visible_warehouse(self.project, self.workflow_id).exists()

    @property
    def _has_dry_run(self) -> bool:
        return self.has("dbt") or self.has("evidence")

    @property
    def _dry_runner(self) -> Worker:
        return self.workers.dry_runner(self)

    @property
    def _sample(self) -> Path:
        return self.workers.scratch / self.workflow_id

    def _code_request(self, sample: Path | None) -> CodeRequest:
        return CodeRequest(self.project.root, self.workflow_id, sample)

    def _dry_run_request(self, sample: Path | None = None) -> DryRunRequest:
        return DryRunRequest(
            self.project.root,
            self.workflow_id,
            [source.table for source in self.sources],
            sample,
            self.has("dbt"),
            self.has("evidence"),
            {name: self.workers.tried.get(name, False) for name in self._upstreams},
        )

    @property
    def _shares_dbt_files(self) -> bool:
        """Whether its tests write into its dbt project: packages, or what others' tables are."""
        return bool(self._upstreams) or any(self.has(f"dbt/{name}") for name in _PACKAGES)

    @cached_property
    def _upstreams(self) -> list[str]:
        """The workflows that it comes after, as far as they are there."""
        there = self.project.workflow_dir
        return [each for each in self.upstreams if is_workflow_folder(there(each))]

    def _makes_tables(self) -> bool:
        """Whether its dry run has made its tables."""
        _ = self.loaded  # the process has an answer for it
        models = self.dry_run.models if self.has("dbt") else None
        return models is not None and bool(self.dry_run.raw) and not models.findings
