"""pytest on the folders of workflows, in processes beside the one that checks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.finding import Finding
from dataflow.shared.project import PROJECT_VARIABLE
from dataflow_tools.checks.tried_workflow import Outcome
from dataflow_tools.fleet.pytest_command import pytest_command
from dataflow_tools.fleet.workflow_health import pytest_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.shared.project import Project

_LONGEST_REASON = 300
# Below this many workflows for each, another process costs more by what it imports than it saves.
_FEWEST_EACH = 2


class PytestRuns:
    """The tests of workflows in as many processes as there are cores, and how they ended.

    Args:
        most: The most processes; ``None`` for one for each core that this process may use.
    """

    def __init__(
        self, project: Project, workflow_ids: Sequence[str], most: int | None = None
    ) -> None:
        cores = most or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else "12")
        count = max(1, min(cores, len(workflow_ids) // _FEWEST_EACH))
        self._ids = list(workflow_ids)
        self._outcomes: dict[int, Outcome] = {}
        self._runs: list[PytestRun] = []
        self._fault: Finding | None = None
        try:
            # In turn: neighbours often are of one kind, and take as long as each other.
            for number in range(count):
                self._runs.append(PytestRun(project, self._ids[number::count]))
        except MissingDependencyError as error:
            # The other points can be looked at without.
            self._fault = Finding.of(error)

    def outcome(self, workflow_id: str) -> Outcome:
        """How the tests of a workflow ended; waits for those that run in the same process."""
        if self._fault is not None:
            outcome = Outcome()
            outcome.findings[workflow_id].append(self._fault)
            return outcome
        number = self._ids.index(workflow_id) % len(self._runs)
        if number not in self._outcomes:
            self._outcomes[number] = self._runs[number].wait()
        return self._outcomes[number]

    def wait(self) -> None:
        """Wait until all tests have ended."""
        for workflow_id in self._ids:
            self.outcome(workflow_id)

    def stop(self) -> None:
        """End the tests that still run."""
        for number, run in enumerate(self._runs):
            if number not in self._outcomes:
                run.stop()


class PytestRun:
    """pytest on the folders of some workflows, in a process of its own, with this Python."""

    def __init__(self, project: Project, workflow_ids: Sequence[str]) -> None:
        self._project = project
        self._ids = list(workflow_ids)
        self._scratch = tempfile.TemporaryDirectory(prefix="dataflow-check-")
        self._process = self._start()

    def wait(self) -> Outcome:
        """Wait until all tests have ended."""
        words, _ = self._process.communicate()
        try:
            if self._report.exists() or len(self._ids) == 1:
                return self._read(words)
        finally:
            self._scratch.cleanup()
        # One of them ended pytest, and took the results of all with it.
        outcome = Outcome()
        for name in self._ids:
            alone = PytestRun(self._project, [name]).wait()
            outcome.findings |= alone.findings
            outcome.passed += alone.passed
        return outcome

    def stop(self) -> None:
        """End the tests, if they still run."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self._scratch.cleanup()

    def _start(self) -> subprocess.Popen[str]:
        folders = [str(self._project.workflow_dir(name)) for name in self._ids]
        options = ["-q", "--no-header", "-p", "no:cacheprovider", "--tb=short"]
        # A file that cannot be read must not keep the other workflows' tests from running.
        options.append("--continue-on-collection-errors")
        # This form of the report names the file of each test.
        options += ["-o", "junit_family=xunit1", f"--junitxml={self._report}"]
        return subprocess.Popen(
            [
                *(*pytest_command(), *options),
                *pytest_options(self._project, Path(self._scratch.name)),
                *folders,
            ],
            cwd=self._project.root,
            env={**os.environ, PROJECT_VARIABLE: str(self._project.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def _report(self) -> Path:
        return Path(self._scratch.name) / "tests.xml"

    def _read(self, words: str) -> Outcome:
        outcome = Outcome()
        if not self._report.exists():
            last = " ".join(words.split())[-_LONGEST_REASON:]
            for name in self._ids:
                where = self._project.relative(self._project.workflow_dir(name) / "tests")
                reason = f"pytest ended early (exit code {self._process.returncode}): {last}"
                outcome.findings[name].append(Finding(reason, "Run pytest there.", where))
            return outcome
        # The file is one that our own child process has just written.
        for case in Xml.parse(self._report).iter("testcase"):  # noqa: S314
            self._read_case(case, outcome)
        return outcome

    def _read_case(self, case: Xml.Element, outcome: Outcome) -> None:
        file = case.get("file", "")
        path = self._project.root / file
        folder = self._project.workflows_dir
        if not path.is_relative_to(folder):
            return
        name = path.relative_to(folder).parts[0]
        faults = [child for child in case if child.tag in ("failure", "error")]
        outcome.passed[name] += not faults and case.find("skipped") is None
        for fault in faults:
            test = case.get("name", "").rpartition(".")[2]
            message = " ".join((fault.get("message") or "it failed").split())[:_LONGEST_REASON]
            told = f"See why: pytest {file}"
            outcome.findings[name].append(
                Finding(f"{test}: {message}", told, file, _line(fault, file))
            )


def _line(fault: Xml.Element, file: str) -> int:
    """The line of a test file that a traceback of pytest's names last."""
    line = 0
    for row in (fault.text or "").splitlines():
        place, _, rest = row.partition(f"{file}:")
        digits = rest.partition(":")[0]
        if not place.strip() and digits.isdigit():
            line = int(digits)
    return line
