"""Checks after an update, and rings: a few first, the rest only if those are well."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from dataflow_tools.fleet.report import report_lines
from dataflow_tools.fleet.update import Request, update_workflows

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

GOOD_TEST = "def test_it():\n    assert True\n"
BAD_TEST = "def test_it():\n    assert 'reason' == 'other'\n"
CONFIG = """\
workflow: {name: One}
ingestion: {source: {type: file, url: data.csv}}
load: {table: one}
"""
JOB = """\
from dagster import job, op
from dataflow.workflows.registry import register_workflow


@op
def nothing():
    pass


@job(name="{{ _folder_name }}")
def the_job():
    nothing()


register_workflow(workflow_id="{{ _folder_name }}", job=the_job, description="One.")
"""


@pytest.fixture
def runnable(lab: Lab) -> Lab:
    """Three workflows that are valid, load and pass their tests."""
    files = {
        "config.yaml": CONFIG,
        "__init__.py": "",
        "dagster_job.py.jinja": JOB,
        "tests/test_one.py": GOOD_TEST,
        "a.py": "A = 1\n",
    }
    lab.release("1.0.0", files)
    lab.render("one", "two", "three")
    return lab


def checks(lab: Lab, *names: str, **options: object) -> dict[str, tuple[str, bool | None]]:
    report = lab.update(*names, **options)
    return {one.workflow_id: (one.status.value, one.checked) for one in report.outcomes}


@pytest.mark.slow
def test_a_sound_update_passes_its_checks(runnable: Lab) -> None:
    """A workflow that is whole after the update is said to be."""
    runnable.release("1.1.0", {"a.py": "A = 2\n"})
    report = runnable.update("one", check=True)
    assert (report.outcomes[0].checked, report.outcomes[0].notes) == (True, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"tests/test_one.py": BAD_TEST}, "tests failed"),
        ({"a.py": "import nothing_of_the_kind\n"}, "nothing_of_the_kind"),
        ({"config.yaml": CONFIG + "lod: {}\n"}, "lod"),
    ],
    ids=["tests", "imports", "config"],
)
def test_what_an_update_broke_is_shown(runnable: Lab, files: dict[str, str], words: str) -> None:
    """A failing test, import or config after the update is reported with its reason."""
    runnable.release("1.1.0", files)
    report = runnable.update("one", check=True)
    assert (report.exit_code, report.outcomes[0].checked) == (1, False)
    assert words in "\n".join(report.outcomes[0].notes)


@pytest.mark.slow
def test_the_rest_waits_for_the_first_ring(runnable: Lab) -> None:
    """When the first workflow does not pass, no other is updated."""
    runnable.release("1.1.0", {"a.py": "import nothing_of_the_kind\n"})
    assert checks(runnable, first=1) == {
        "one": ("updated", False),
        "three": ("skipped", None),
        "two": ("skipped", None),
    }
    assert runnable.read("two", "a.py") == "A = 1\n"


@pytest.mark.slow
def test_what_did_not_pass_is_to_be_undone_not_committed(runnable: Lab) -> None:
    """The report proposes no commit of it, and what it proposes instead brings all of it back."""
    runnable.release("1.1.0", {"a.py": "import nothing_of_the_kind\n", "new.py": "B = 1\n"})
    lines = list(report_lines(runnable.update("one", check=True), lambda text, _: text))
    assert not any("git commit" in line for line in lines)
    (undo,) = [line.partition("undo with: ")[2] for line in lines if "undo with" in line]
    assert runnable.status() != ""
    subprocess.run(undo, cwd=runnable.project.root, shell=True, check=True, capture_output=True)
    assert runnable.status() == ""


@pytest.mark.slow
def test_the_rest_follows_a_sound_first_ring(runnable: Lab) -> None:
    """When the first workflow passes, the others are updated, unchecked."""
    runnable.release("1.1.0", {"a.py": "A = 2\n"})
    assert checks(runnable, first=1) == {
        "one": ("updated", True),
        "three": ("updated", None),
        "two": ("updated", None),
    }


def pin(lab: Lab, version: str) -> None:
    """Have the project ask for a version of the library."""
    requirement = f'[tool.dataflow]\n[project]\ndependencies = ["dataflow-runtime=={version}"]\n'
    lab.edit("../../..", {"pyproject.toml": requirement})


@pytest.mark.slow
def test_a_newer_library_than_the_project_asks_for_will_do(runnable: Lab) -> None:
    """Its old import paths work; only an older one would find faults that are none."""
    pin(runnable, "0.0.1")
    runnable.release("1.1.0", {"a.py": "A = 2\n"})
    assert checks(runnable, "one", check=True) == {"one": ("updated", True)}


def test_checks_need_the_library_that_the_project_asks_for(runnable: Lab) -> None:
    """After the project's pin moved, what is installed is too old: the rest waits for it."""
    pin(runnable, "999.0")
    runnable.release("1.1.0", {"a.py": "A = 2\n"})
    report = update_workflows(runnable.project, Request(first=2))
    ended = {one.workflow_id: (one.status.value, one.checked) for one in report.outcomes}
    assert ended == {
        "one": ("updated", None),
        "three": ("updated", None),
        "two": ("skipped", None),
    }
    assert report.notes == ["The rest was left alone, since the first did not pass."]
    assert report.outcomes[2].reason == "The first 2 did not pass."
    assert report.exit_code == 1
    assert "asks for dataflow-runtime 999.0" in report.outcomes[0].notes[0]
    assert "pip install dataflow-runtime==999.0" in report.outcomes[0].notes[1]
    # What could not be checked is no reason to discard a good update.
    lines = list(report_lines(report, lambda text, _: text))
    assert not any("undo with" in line for line in lines)
    assert any("NOT CHECKED" in line for line in lines)


@pytest.mark.slow
def test_a_conflict_in_the_projects_file_blames_no_workflow(runnable: Lab) -> None:
    """Workflows are checked by the settings from before the conflict, imports and tests alike."""
    before, after = "[tool.dataflow]\n", "api_port = 8001\n"
    conflict = f"{before}<<<<<<< yours\n=======\n{after}>>>>>>> template 1.1.0\n"
    runnable.edit("../../..", {"pyproject.toml": conflict})
    runnable.release("1.1.0", {"a.py": "A = 2\n"})
    assert checks(runnable, "one", check=True) == {"one": ("updated", True)}
