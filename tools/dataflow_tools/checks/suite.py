"""Testing: which tests there are, and whether they pass."""

from __future__ import annotations

import ast
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from dataflow.shared.finding import Finding
from dataflow.shared.project import PROJECT_VARIABLE
from dataflow_tools.checks.protocol import (
    NO_TESTS,
    Check,
    Group,
    Verdict,
    check,
    judged,
    not_applicable,
)
from dataflow_tools.checks.tried_workflow import Outcome
from dataflow_tools.fleet.pytest_command import pytest_command
from dataflow_tools.fleet.workflow_health import pytest_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataflow.shared.project import Project
    from dataflow_tools.checks.tried_workflow import TriedWorkflow
    from dataflow_tools.checks.workflow_source import Module, WorkflowSource

# What a test from end to end calls: the sandbox's run, ours, or Dagster's.
_RUNS = {"run", "run_workflow", "execute_in_process", "execute_job", "invoke"}
_REFUSALS = {"raises", "assertRaises", "assertRaisesRegex"}
_SKIPS = {"skip", "xfail"}
_LONGEST_REASON = 300


def _wants_test(
    position: int,
    title: str,
    is_one: Callable[[ast.AST], bool],
    *lacking: str,
    of_source: bool = False,
) -> Check[WorkflowSource]:
    """A check that there is such a test: it itself, or a helper of its file, is one.

    Args:
        lacking: What to say if there is none: reason, instruction, and the file to write it in.
        of_source: Whether only a workflow with a source of its own has one.
    """

    def look(workflow: WorkflowSource) -> Verdict:
        if of_source and workflow.reads_others_alone:
            return not_applicable("it reads the tables of other workflows")
        for module in workflow.tests:
            helpers = {helper.name for helper in _helpers(module) if is_one(helper)}
            for test in _tests(module):
                if is_one(test) or _uses(test, helpers):
                    return judged((), f"{module.path.name}: {test.name}")
        reason, instruction, file = lacking
        return judged([workflow.finding(reason, instruction, f"tests/{file}")])

    return Check(Group.TESTING, title, look, position)


check_ingestion_test = _wants_test(
    1,
    "the ingestion has a test",
    lambda node: _uses(node, {"extract_data"}),
    *("No test calls extract_data.", "Write one.", "test_ingestion.py"),
    of_source=True,
)
check_transform_test = _wants_test(
    2,
    "the transformation has a test",
    lambda node: _uses(node, {"transform_data"}),
    *("No test calls transform_data.", "Write one.", "test_transform.py"),
    of_source=True,
)
check_integration_test = _wants_test(
    3,
    "a test runs the workflow from end to end",
    lambda node: _has_call(node, _RUNS),
    "No test runs it from end to end.",
    "Write one: sandbox.use_sample(...), sandbox.run(), then look at the tables.",
    "test_integration.py",
)
check_error_test = _wants_test(
    4,
    "a test covers an error",
    lambda node: _has_call(node, _REFUSALS),
    "No test covers an error.",
    "Write one: with pytest.raises(...), for a source that is not there.",
    "test_ingestion.py",
)


@check(Group.TESTING, "all tests pass", position=5)
def check_outcome(workflow: TriedWorkflow) -> Verdict:
    """How the tests ended."""
    if workflow.outcome is None:
        return not_applicable("they were not run (--no-tests)")
    findings = workflow.outcome.findings[workflow.workflow_id]
    count = workflow.outcome.passed[workflow.workflow_id]
    if not findings and not count:
        return judged([workflow.finding("There is no test.", "Write some.", "tests")], NO_TESTS)
    return judged(findings, "" if findings else f"{count} passed")


def _tests(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The test functions of a file, those left out that are always skipped."""
    for node in ast.walk(module.tree) if module.tree else ():
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        skipped = any(_last_name(d) in _SKIPS for d in node.decorator_list)
        if node.name.startswith("test") and not skipped:
            yield node


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


class TestRun:
    """pytest on the folders of some workflows, in a process of its own, with this Python."""

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
        outcome = Outcome()
        for name in self._ids:
            alone = TestRun(self._project, [name]).wait()
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
