"""The whole checklist, on rendered workflows and on ones that were broken in one place each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.tools.checks.breakages import BREAKAGES, FRESH, TOKEN, append
from tests.tools.checks.conftest import BARE, Render, check_one, missing

from dataflow.shared.finding import Finding
from dataflow.shared.project import Project
from dataflow_tools.checks.check import check_workflows
from dataflow_tools.checks.checklist import Report, load_checks
from dataflow_tools.checks.protocol import Status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def broken(new_project: Callable[[], Project], render: Render) -> tuple[Project, dict[str, Report]]:
    """One workflow for each breakage, and what one check said about all of them."""
    project = new_project()
    for name, breakage in BREAKAGES.items():
        breakage.edit(render(project, name, **breakage.answers))
    ids = list(BREAKAGES)
    reports = check_workflows(project, ids, with_tests=False)
    return project, {report.workflow_id: report for report in reports}


def findings(report: Report, point: str) -> tuple[Finding, ...]:
    return next(p.verdict.findings for p in report.points if p.key == point)


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_broken_is_missing(name: str, broken: tuple[Project, dict[str, Report]]) -> None:
    """The point is missing, with the file, what is wrong and what to do; no other point is."""
    project, reports = broken
    breakage, report = BREAKAGES[name], reports[name]
    assert set(missing(report)) == {breakage.point} | breakage.also, missing(report)
    found = findings(report, breakage.point)
    file = project.relative(project.workflow_dir(name) / breakage.file)
    assert file in {finding.file for finding in found}
    assert breakage.said in " ".join(finding.statement for finding in found)
    assert all(finding.remedy for finding in found)


def test_each_point_has_a_breakage() -> None:
    """No point of the checklist goes untested; some have a file of tests of their own."""
    tested = {breakage.point for breakage in BREAKAGES.values()}
    assert tested == set(load_checks()) - {"tests-pass", "contract-types"}


def test_places_are_lines(broken: tuple[Project, dict[str, Report]]) -> None:
    """A finding names the line that a person has to go to."""
    project, reports = broken
    page = project.workflow_dir("no_column") / "evidence" / "pages" / "index.md"
    line = next(n for n, text in enumerate(page.read_text().splitlines(), 1) if "nothing" in text)
    assert {f.line for f in findings(reports["no_column"], "queries")} == {line}
    job = project.workflow_dir("prints") / "ingestion.py"
    assert findings(reports["prints"], "print")[0].line == len(job.read_text().splitlines())


def test_a_secret_is_not_repeated(broken: tuple[Project, dict[str, Report]]) -> None:
    """Not even the report of a secret holds it."""
    report = broken[1]["secret"]
    assert TOKEN not in str(report.as_json())


@pytest.fixture(scope="module")
def fresh(new_project: Callable[[], Project], render: Render) -> Project:
    """A project with one workflow for each set of answers that the template is tested with."""
    project = new_project()
    for name, answers in FRESH.items():
        render(project, name, **answers)
    return project


def test_what_the_template_renders_passes(fresh: Project) -> None:
    """Whatever the answers, all points are met or not applicable before the first edit."""
    reports = list(check_workflows(fresh, list(FRESH), with_tests=False, with_environment=False))
    assert {report.workflow_id: missing(report) for report in reports if not report.passed} == {}
    plain = next(report for report in reports if report.workflow_id == "plain")
    undecided = [p.key for p in plain.points if p.verdict.status is Status.NOT_APPLICABLE]
    # These answers name no version, from which an update could go on.
    assert undecided == ["credentials", "contract-types", "tests-pass"]
    # Only people know what a column means.
    told = [finding.statement for finding in findings(plain, "columns")]
    assert "marts.plain has columns without a description: " in told[0]
    assert "processed_at" not in told[0]


def test_variables_may_be_left_out_of_it(
    broken: tuple[Project, dict[str, Report]],
) -> None:
    """Before a commit nobody has the secrets of production; then they are not asked for."""
    project, _ = broken
    (report,) = check_workflows(project, ["unset"], with_tests=False, with_environment=False)
    assert report.passed


def test_imported_functions_count(new_project: Callable[[], Project], render: Render) -> None:
    """A function may be defined in another file, as long as it can be found under its name."""
    project = new_project()
    folder = render(project, "sales", **BARE)
    (folder / "transform.py").rename(folder / "cleaning.py")
    (folder / "transform.py").write_text(
        '"""Cleaning."""\n\nfrom .cleaning import transform_data\n\n__all__ = ["transform_data"]\n'
    )
    assert missing(check_one(project, "sales")) == {}


def test_what_code_prints_is_dropped(
    new_project: Callable[[], Project], render: Render, capfd: pytest.CaptureFixture[str]
) -> None:
    """Output of the code that is imported does not get into the report's."""
    project = new_project()
    folder = render(project, "sales", **BARE)
    append("ingestion.py", '\nimport os\nos.system("echo loud")\n')(folder)
    check_one(project, "sales")
    assert "loud" not in "".join(capfd.readouterr())
