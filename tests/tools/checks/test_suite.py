"""Running workflows' tests, and whose they are."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.tools.checks.breakages import append, write
from tests.tools.checks.conftest import BARE, Render, missing

from dataflow.shared.project import Project
from dataflow_tools.checks.check import check_workflows
from dataflow_tools.checks.checklist import Report
from dataflow_tools.checks.protocol import Status
from dataflow_tools.checks.pytest_run import PytestRuns
from dataflow_tools.checks.python_processes import PythonProcesses

FAILING = """

class TestTotals:
    def test_totals_add_up(self) -> None:
        assert sum([1, 1]) == 3
"""
# A test of this file would end pytest itself.
LEAVING = '"""Leaves."""\n\nimport os\n\n\ndef test_leaving() -> None:\n    os._exit(9)\n'


def test_without_pytest_each_workflow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No failure of the workflow is made of it, and the other points are looked at."""
    monkeypatch.setitem(sys.modules, "pytest", None)
    runs = PytestRuns(Project(tmp_path), ["one", "two"], PythonProcesses())
    for name in ("one", "two"):
        (finding,) = runs.outcome(name).findings[name]
        assert "pytest, which runs the tests of workflows, is not installed" in finding.reason
        assert finding.instruction == "pip install pytest"


def test_the_tools_bring_pytest() -> None:
    """What the quickstart ends with works after the install that it begins with."""
    text = (REPOSITORY / "tools" / "pyproject.toml").read_text(encoding="utf-8")
    needed = tomllib.loads(text)["project"]["dependencies"]
    assert any(line.startswith("pytest") for line in needed)


@pytest.fixture(scope="module")
def tested(new_project: Callable[[], Project], render: Render) -> tuple[Project, dict[str, Report]]:
    """Three workflows whose tests were run together: good, with a failure, and unreadable."""
    project = new_project()
    for name in ("good", "failing", "unreadable"):
        folder = render(project, name, **BARE)
        if name != "good":
            # The one that takes its time.
            (folder / "tests" / "test_integration.py").unlink()
    append("tests/test_transform.py", FAILING)(project.workflow_dir("failing"))
    append("tests/test_transform.py", "\nimport nothing_of_that_name\n")(
        project.workflow_dir("unreadable")
    )
    reports = check_workflows(project, ["good", "failing", "unreadable"])
    return project, {report.workflow_id: report for report in reports}


@pytest.mark.slow
def test_tests_that_pass_are_counted(tested: tuple[Project, dict[str, Report]]) -> None:
    """With all tests run, a rendered workflow has every point met that applies."""
    report = tested[1]["good"]
    assert missing(report) == {}
    point = next(point for point in report.points if point.key == "tests-pass").verdict
    assert (point.status, point.detail) == (Status.MET, "8 passed")


@pytest.mark.slow
def test_a_test_that_fails_is_named(tested: tuple[Project, dict[str, Report]]) -> None:
    """The report says which test of which file fails, where and why."""
    project, reports = tested
    point = next(p for p in reports["failing"].points if p.key == "tests-pass")
    (finding,) = point.verdict.findings
    path = project.workflow_dir("failing") / "tests" / "test_transform.py"
    assert set(missing(reports["failing"])) == {"test-integration", "tests-pass"}
    assert finding.file == project.relative(path)
    assert finding.line == len(path.read_text().splitlines())
    assert "test_totals_add_up: " in finding.reason
    assert "== 3" in finding.reason


@pytest.mark.slow
def test_a_file_of_tests_that_cannot_be_read_is_named(
    tested: tuple[Project, dict[str, Report]],
) -> None:
    """Tests that could not even be collected are not taken for tests that pass."""
    project, reports = tested
    path = project.workflow_dir("unreadable") / "tests" / "test_transform.py"
    assert set(missing(reports["unreadable"])) == {"test-integration", "tests-pass"}
    assert project.relative(path) in str(missing(reports["unreadable"]))


@pytest.mark.slow
def test_tests_that_end_pytest_are_no_tests_that_pass(
    new_project: Callable[[], Project], render: Render
) -> None:
    """A process that is gone has proved nothing, and costs no other workflow its result."""
    project = new_project()
    folders = {name: render(project, name, **BARE) for name in ("leaving", "untested")}
    for folder in folders.values():
        for path in (folder / "tests").glob("*.py"):
            path.unlink()
    write("tests/test_leaving.py", LEAVING)(folders["leaving"])
    reports = {r.workflow_id: missing(r) for r in check_workflows(project, list(folders))}
    assert "pytest ended early (exit code 9)" in str(reports["leaving"]["tests-pass"])
    # Nothing fails where nothing is tested, and that is not enough.
    assert "There is no test" in str(reports["untested"]["tests-pass"])


@pytest.mark.slow
def test_tests_in_several_processes_are_told_apart(
    new_project: Callable[[], Project], render: Render
) -> None:
    """Whichever process they ran in, reports come in the order that was asked for."""
    project = new_project()
    names = ["one", "two", "three", "four"]
    for number, name in enumerate(names, 1):
        folder = render(project, name, **BARE)
        for path in (folder / "tests").glob("*.py"):
            path.unlink()
        passing = "".join(f"def test_{n}() -> None:\n    pass\n" for n in range(number))
        write("tests/test_some.py", passing)(folder)
    # One ends its process; the others that are in it are run again.
    write("tests/test_some.py", LEAVING)(project.workflow_dir("three"))
    runs = PytestRuns(project, names, PythonProcesses(), most=2)
    assert len({id(run) for run in runs._runs.values()}) == 2
    assert [runs.outcome(name).passed[name] for name in names] == [1, 2, 0, 4]
    assert "ended early" in str(runs.outcome("three").findings["three"])
    reports = [report.workflow_id for report in check_workflows(project, names)]
    assert reports == names
