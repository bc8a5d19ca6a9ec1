"""Testing: which tests there are, and whether they pass."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from dataflow.shared.project import PROJECT_VARIABLE
from dataflow_tools.checks.checklist import Finding, Point, met, missing, not_applicable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.checks.workflow_source import Module, WorkflowSource

# What a test of the whole way calls: the sandbox's run, ours, or Dagster's.
_WHOLE_WAY = {"run", "run_workflow", "execute_in_process", "execute_job", "invoke"}
_REFUSALS = {"raises", "assertRaises", "assertRaisesRegex"}
_SKIPS = {"skip", "xfail"}
_LONGEST_REASON = 300


class Outcome(dict[str, list[Finding]]):
    """What pytest found wrong, by workflow id; ``counts`` has how many tests ran."""

    def __init__(self, workflow_ids: Sequence[str]) -> None:
        super().__init__({name: [] for name in workflow_ids})
        self.counts = dict.fromkeys(workflow_ids, 0)


def check_tests(workflow: WorkflowSource, outcome: Outcome | None) -> list[Point]:
    """Judge which tests there are, and how they ended.

    Args:
        workflow: The workflow.
        outcome: How the tests ended; ``None`` if they were not run.
    """
    return [
        _has_test(
            workflow,
            "test-ingestion",
            _mentions("extract_data"),
            ("test_ingestion.py", "No test calls extract_data.", "Write one."),
        ),
        _has_test(
            workflow,
            "test-transform",
            _mentions("transform_data"),
            ("test_transform.py", "No test calls transform_data.", "Write one."),
        ),
        _has_test(
            workflow,
            "test-integration",
            _calls(_WHOLE_WAY),
            (
                "test_integration.py",
                "No test goes the whole way.",
                "Write one: sandbox.use_sample(...), sandbox.run(), then look at the tables.",
            ),
        ),
        _has_test(
            workflow,
            "test-error",
            _calls(_REFUSALS),
            (
                "test_ingestion.py",
                "No test covers an error.",
                "Write one: with pytest.raises(...), for a source that is not there.",
            ),
        ),
        _result(workflow, outcome),
    ]


def _has_test(
    workflow: WorkflowSource,
    key: str,
    is_one: Callable[[Module, ast.AST], bool],
    lacking: tuple[str, str, str],
) -> Point:
    for module in workflow.tests:
        for test in _tests(module):
            if is_one(module, test):
                return met(key, f"{module.path.name}: {getattr(test, 'name', '')}")
    file, reason, instruction = lacking
    return missing(key, Finding(workflow.shown("tests", file), reason, instruction))


def _tests(module: Module) -> Iterator[ast.AST]:
    """The test functions of a file, those left out that are always skipped."""
    for node in ast.walk(module.tree) if module.tree else ():
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        skipped = any(_last_name(d) in _SKIPS for d in node.decorator_list)
        if node.name.startswith("test") and not skipped:
            yield node


def _mentions(name: str) -> Callable[[Module, ast.AST], bool]:
    """A test that uses a name, itself or through a helper of its file."""

    def check(module: Module, test: ast.AST) -> bool:
        return _uses(test, {name}) or any(
            _uses(test, {helper.name}) and _uses(helper, {name}) for helper in _helpers(module)
        )

    return check


def _calls(names: set[str]) -> Callable[[Module, ast.AST], bool]:
    """A test that calls something of that name, itself or through a helper of its file."""

    def check(module: Module, test: ast.AST) -> bool:
        return _has_call(test, names) or any(
            _uses(test, {helper.name}) and _has_call(helper, names) for helper in _helpers(module)
        )

    return check


def _helpers(module: Module) -> list[ast.FunctionDef]:
    body = module.tree.body if module.tree else []
    return [n for n in body if isinstance(n, ast.FunctionDef) and not n.name.startswith("test")]


def _uses(node: ast.AST, names: set[str]) -> bool:
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and item.id in names:
            return True
        if isinstance(item, ast.Attribute) and item.attr in names:
            return True
        # A fixture is used by the name of a parameter.
        if isinstance(item, ast.arg) and item.arg in names:
            return True
    return False


def _has_call(node: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(item, ast.Call) and _last_name(item.func) in names for item in ast.walk(node)
    )


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _result(workflow: WorkflowSource, outcome: Outcome | None) -> Point:
    if outcome is None:
        return not_applicable("tests-pass", "they were not run (--no-tests)")
    findings = outcome[workflow.workflow_id]
    count = outcome.counts[workflow.workflow_id]
    if not findings and not count:
        lacking = Finding(workflow.shown("tests"), "There is no test.", "Write some.")
        return missing("tests-pass", lacking)
    return missing("tests-pass", *findings) if findings else met("tests-pass", f"{count} passed")


class TestRun:
    """pytest on the folders of some workflows, in a process of its own, with this Python.

    Args:
        project: The project.
        workflow_ids: The workflows.
    """

    __test__ = False  # no tests of ours are in here, whatever pytest makes of the name

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
        outcome = Outcome(self._ids)
        for name in self._ids:
            alone = TestRun(self._project, [name]).wait()
            outcome.update(alone)
            outcome.counts.update(alone.counts)
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
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", *options, f"--junitxml={self._report}"),
                *(f"--rootdir={self._project.root}", *folders),
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
        outcome = Outcome(self._ids)
        if not self._report.exists():
            last = " ".join(words.split())[-_LONGEST_REASON:]
            for name in self._ids:
                where = self._project.relative(self._project.workflow_dir(name) / "tests")
                reason = f"pytest ended early (exit code {self._process.returncode}): {last}"
                outcome[name].append(Finding(where, reason, "Run pytest there."))
            return outcome
        # The file is one that our own child process has just written.
        for case in Xml.parse(self._report).iter("testcase"):  # noqa: S314
            self._read_case(case, outcome)
        return outcome

    def _read_case(self, case: Xml.Element, outcome: Outcome) -> None:
        # A class in a file, or a file that could not be read at all, ends up in either.
        dotted = case.get("classname") or case.get("name") or ""
        parts = dotted.split(".")
        name = next((name for name in self._ids if name in parts), None)
        if name is None:
            return
        faults = [child for child in case if child.tag in ("failure", "error")]
        outcome.counts[name] += not faults and case.find("skipped") is None
        for fault in faults:
            test = case.get("name", "").rpartition(".")[2]
            message = " ".join((fault.get("message") or "it failed").split())[:_LONGEST_REASON]
            file = self._file(name, parts)
            command = f"pytest {file}"
            outcome[name].append(
                Finding(file, f"{test}: {message}", f"See why: {command}", _line(fault, file))
            )

    def _file(self, workflow_id: str, parts: Sequence[str]) -> str:
        folder = self._project.workflow_dir(workflow_id)
        inner = parts[parts.index(workflow_id) + 1 :]
        for length in range(len(inner), 0, -1):
            path = folder.joinpath(*inner[:length]).with_suffix(".py")
            if path.is_file():
                return self._project.relative(path)
        return self._project.relative(folder / "tests")


def _line(fault: Xml.Element, file: str) -> int:
    """The line of a test file that a traceback of pytest's names last."""
    line = 0
    for row in (fault.text or "").splitlines():
        place, _, rest = row.partition(f"{file}:")
        digits = rest.partition(":")[0]
        if not place.strip() and digits.isdigit():
            line = int(digits)
    return line
