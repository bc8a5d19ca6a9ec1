"""`dataflow workflow check` and `dataflow doctor`: what they print and how they exit."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from tests.tools.checks.breakages import append, remove
from tests.tools.checks.conftest import BARE, Render

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.checks.check import check_workflows
from dataflow_tools.cli.doctor import doctor
from dataflow_tools.cli.workflow_check import check


@pytest.fixture(scope="module")
def project(new_project: Callable[[], Project], render: Render) -> Project:
    """A project with a good workflow and one that is not."""
    made = new_project()
    render(made, "good", **BARE)
    folder = render(made, "bad", **BARE)
    append("ingestion.py", '\nprint("here")\n')(folder)
    remove("tests/test_transform.py")(folder)
    return made


@pytest.fixture(autouse=True)
def _in_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)


@pytest.mark.slow
def test_a_good_workflow_is_told_in_full() -> None:
    """Every point is listed by group, and the exit code is 0."""
    done = CliRunner().invoke(check, ["good", "--no-tests"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "Planning"
    assert lines[-1].startswith("good: ")
    assert " 0 missing" in lines[-1]


@pytest.mark.slow
def test_of_several_only_what_is_missing_is_told() -> None:
    """One line for each workflow, and below it what to do; the exit code is 1."""
    done = CliRunner().invoke(check, ["--all", "--no-tests"])
    assert done.exit_code == 1
    *lines, last = done.output.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == ["✗ bad", "✓ good"]
    assert last == "2 workflows, 1 of them with something missing: bad."
    assert [line.split()[1] for line in lines if line.startswith("  ✗")] == [
        "test-transform",
        "print",
    ]
    assert any("/bad/ingestion.py:" in line for line in lines)


@pytest.mark.slow
def test_who_waits_sees_how_many_there_are(project: Project) -> None:
    """Each workflow is counted and named when it is its turn; one alone is only named."""
    said: list[str] = []
    list(check_workflows(project, ["bad", "good"], with_tests=False, progress=said.append))
    list(check_workflows(project, ["good"], with_tests=False, progress=said.append))
    assert said == ["checking 1 of 2: bad", "checking 2 of 2: good", "checking good"]


@pytest.mark.slow
def test_json_is_complete() -> None:
    """A machine reads every point of every workflow, with its findings."""
    done = CliRunner().invoke(check, ["bad", "good", "--no-tests", "--json"])
    found = json.loads(done.output)
    assert (done.exit_code, found["passed"]) == (1, False)
    assert [(w["workflow_id"], w["passed"]) for w in found["workflows"]] == [
        ("bad", False),
        ("good", True),
    ]
    points = {point["point"]: point for point in found["workflows"][0]["points"]}
    assert len(points) == 26
    assert points["print"]["status"] == "missing"
    assert set(points["print"]["findings"][0]) == {"file", "line", "reason", "instruction"}


@pytest.mark.slow
def test_paths_name_their_workflow(project: Project) -> None:
    """pre-commit hands over changed files: only their workflows are checked."""
    paths = [
        "src/dataflow/workflows/good/config.yaml",
        str(project.workflow_dir("good") / "tests" / "test_ingestion.py"),
    ]
    done = CliRunner().invoke(check, [*paths, "--no-tests", "--json"])
    assert [w["workflow_id"] for w in json.loads(done.output)["workflows"]] == ["good"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [[], ["good", "--all"], ["--nothing"]])
def test_bad_usage_has_exit_code_2(arguments: list[str]) -> None:
    """Names or all of them, not both and not neither."""
    assert CliRunner().invoke(check, arguments).exit_code == 2


def test_a_workflow_that_is_not_there_is_bad_input() -> None:
    """The nearest names are suggested, and the exit code is 2."""
    done = CliRunner().invoke(check, ["godo"])
    assert isinstance(done.exception, BadInputError)
    assert done.exception.exit_code == 2
    assert "good" in done.exception.instruction


@pytest.mark.slow
def test_doctor_says_what_it_saw(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
    """Lines for people, the same for machines, and an exit code that tells whether all is well."""
    monkeypatch.setenv("DATAFLOW_API_PORT", str(project.settings.dagster_port))
    told = CliRunner().invoke(doctor, ["--offline"])
    assert told.exit_code == 1
    assert "the same port" in told.output
    assert told.output.splitlines()[-1].endswith("problem.") or "problems." in told.output
    found = json.loads(CliRunner().invoke(doctor, ["--offline", "--json"]).output)
    assert (found["healthy"], found["project"]) == (False, str(project.root))
    ports = next(c for c in found["checks"]["project"] if c["name"] == "ports")
    assert ports["status"] == "problem"
    assert set(ports["problems"][0]) == {"reason", "instruction"}
