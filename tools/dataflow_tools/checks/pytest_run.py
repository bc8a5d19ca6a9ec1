"""pytest on the folders of workflows, in processes beside the one that checks."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.finding import Finding
from dataflow.shared.project import PROJECT_VARIABLE
from dataflow_tools.checks.tried_workflow import Outcome
from dataflow_tools.fleet.pytest_command import require_pytest
from dataflow_tools.fleet.workflow_health import pytest_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from dataflow.shared.project import Project
    from dataflow_tools.checks.python_processes import PythonProcess, PythonProcesses

_PYTEST = "pytest"
_LONGEST_REASON = 300
# Below this many workflows for each, another process costs more by what it imports than it saves.
_FEWEST_EACH = 2


class PytestRuns:
    """The tests of workflows, of as many at a time as there are cores, and how they ended.

    Args:
        processes: What starts those that they run in.
        most: The most at a time; ``None`` for one for each core that this process may use.
    """

    def __init__(
        self,
        project: Project,
        workflow_ids: Sequence[str],
        processes: PythonProcesses,
        most: int | None = None,
    ) -> None:
        cores = most or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else "12")
        self._ids = list(workflow_ids)
        self._threads = ThreadPoolExecutor(max(1, cores), "tests")
        self._runs: dict[str, PytestRun] = {}
        self._outcomes: dict[str, Future[Outcome]] = {}
        self._fault: Finding | None = None
        try:
            require_pytest()
        except MissingDependencyError as error:
            # The other points can be looked at without.
            self._fault = Finding.of(error)
            return
        count = 1 if processes.are_quick else min(cores, len(self._ids) // _FEWEST_EACH) or 1
        # In turn: neighbours often are of one kind, and take as long as each other.
        groups = (
            [[name] for name in self._ids]
            if processes.are_quick
            else [self._ids[number::count] for number in range(count)]
        )
        for names in groups:
            run = PytestRun(project, names, processes)
            outcome = self._threads.submit(run.outcome)
            self._runs |= dict.fromkeys(names, run)
            self._outcomes |= dict.fromkeys(names, outcome)

    def outcome(self, workflow_id: str) -> Outcome:
        """How the tests of a workflow ended; waits for those that run in the same process."""
        if self._fault is not None:
            outcome = Outcome()
            outcome.findings[workflow_id].append(self._fault)
            return outcome
        return self._outcomes[workflow_id].result()

    def wait(self) -> None:
        """Wait until all tests have ended."""
        for workflow_id in self._ids:
            self.outcome(workflow_id)

    def stop(self) -> None:
        """End the tests that still run."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for run in self._runs.values():
            run.stop()
        self._threads.shutdown()


class PytestRun:
    """pytest on the folders of some workflows, in a process of its own, with this Python."""

    def __init__(
        self, project: Project, workflow_ids: Sequence[str], processes: PythonProcesses
    ) -> None:
        self._project = project
        self._ids = list(workflow_ids)
        self._processes = processes
        self._process: PythonProcess | None = None
        self._is_stopped = False
        self._folder = Path()

    def outcome(self) -> Outcome:
        """Run the tests, and wait until all have ended."""
        with tempfile.TemporaryDirectory(prefix="dataflow-check-") as folder:
            self._folder = Path(folder)
            code = self._run()
            if self._report.exists() or len(self._ids) == 1 or self._is_stopped:
                return self._read(code)
        # One of them ended pytest, and took the results of all with it.
        outcome = Outcome()
        for name in self._ids:
            alone = PytestRun(self._project, [name], self._processes).outcome()
            outcome.findings |= alone.findings
            outcome.passed += alone.passed
        return outcome

    def stop(self) -> None:
        """End the tests, if they still run."""
        self._is_stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _run(self) -> int:
        folders = [str(self._project.workflow_dir(name)) for name in self._ids]
        options = ["-q", "--no-header", "-p", "no:cacheprovider", "--tb=short"]
        # A file that cannot be read must not keep the other workflows' tests from running.
        options.append("--continue-on-collection-errors")
        # This form of the report names the file of each test.
        options += ["-o", "junit_family=xunit1", f"--junitxml={self._report}"]
        options += pytest_options(self._project, self._folder)
        # In pytest's own place are folders of earlier times as well, which it clears away.
        options.append(f"--basetemp={self._folder / 'made'}")
        root = self._project.root
        with Path(os.devnull).open("rb") as nothing, self._words.open("wb") as words:
            self._process = self._processes.start(
                [_PYTEST, *options, *folders],
                (nothing, words, words),
                folder=root,
                environ={**os.environ, PROJECT_VARIABLE: str(root)},
                is_safe=False,
            )
        if self._is_stopped:
            self._process.kill()
        return self._process.wait()

    @property
    def _words(self) -> Path:
        return self._folder / "words"

    @property
    def _report(self) -> Path:
        return self._folder / "tests.xml"

    def _read(self, code: int) -> Outcome:
        outcome = Outcome()
        if not self._report.exists():
            last = _last_words(self._words)
            for name in self._ids:
                where = self._project.relative(self._project.workflow_dir(name) / "tests")
                reason = f"pytest ended early (exit code {code}): {last}"
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


def _last_words(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 8 * _LONGEST_REASON))
        text = file.read().decode("utf-8", errors="replace")
    return " ".join(text.split())[-_LONGEST_REASON:]


def _line(fault: Xml.Element, file: str) -> int:
    """The line of a test file that a traceback of pytest's names last."""
    line = 0
    for row in (fault.text or "").splitlines():
        place, _, rest = row.partition(f"{file}:")
        digits = rest.partition(":")[0]
        if not place.strip() and digits.isdigit():
            line = int(digits)
    return line
