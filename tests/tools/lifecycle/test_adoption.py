"""A workflow made by hand is linked to the template, and keeps every line through its updates."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from copier import run_update
from tests.conftest import REPOSITORY
from tests.tools.lifecycle.conftest import carry_out, commit, git, rows, texts, write

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.drift import survey_workflows
from dataflow_tools.fleet.results import UpdateStatus
from dataflow_tools.fleet.update import Request, update_workflows
from dataflow_tools.lifecycle.adoption import plan_adoption

Run = Callable[..., subprocess.CompletedProcess[str]]
GUIDE = REPOSITORY / "tests" / "cases" / "guide"


@pytest.fixture
def template(project: Project, template_repository: Path, tmp_path: Path) -> Path:
    """A template of the project's own, for releases that others do not see."""
    folder = shutil.copytree(template_repository, tmp_path / "template")
    answers = project.root / ANSWERS_FILE
    answers.write_text(answers.read_text().replace(str(template_repository), str(folder)))
    commit(project.root)
    return folder


@pytest.fixture
def guide(project: Project, template: Path) -> Path:
    """The guide's workflow, as its reader has made it, committed."""
    folder = shutil.copytree(GUIDE, project.workflow_dir("guide"))
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    write(folder, {"dbt/models/mine.sql": "select 1 as one\n", "notes.md": "Mine.\n"})
    commit(project.root)
    return folder


def adopt(project: Project, name: str, **given: object) -> None:
    carry_out(project, plan_adoption(project, name, given))


def release(template: Path) -> None:
    """A release in which every file that both could have says something else."""
    for path in sorted((template / "template" / "workflow").rglob("*")):
        if path.is_file() and path.suffix == ".jinja" and "answers_file" not in path.name:
            text = path.read_text()
            mark = "-- new\n" if ".sql" in path.name else "# new\n"
            path.write_text(mark + text)
    commit(template)
    git(template, "tag", "v0.3.0")


@pytest.mark.slow
def test_nothing_of_a_persons_is_changed(project: Project, guide: Path, run: Run) -> None:
    """The answers are added, no file is touched, `status` knows it, and it runs as before."""
    before = texts(guide)
    plan = plan_adoption(project, "guide", {})
    assert ("add", ANSWERS_FILE) in plan.does
    assert "config.yaml is yours; an update does not touch it." in plan.stays
    assert texts(guide) == before
    carry_out(project, plan)
    after = texts(guide)
    answers = after.pop(ANSWERS_FILE)
    assert after == before
    for line in ("table: guide", "source_type: api", "schedule: 0 0 * * *", "title: My Workflow"):
        assert f"{line}\n" in answers
    (survey,), _ = survey_workflows(project, ["guide"])
    assert (survey.version, survey.drift, survey.reason) == ("v0.2.0", [], None)
    ran = run("workflow", "run", "guide", env={"GUIDE_TOKEN": "x"})
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_an_update_leaves_a_persons_files_alone(
    project: Project, guide: Path, template: Path
) -> None:
    """Each file of the template has changed; none of the person's has."""
    adopt(project, "guide")
    commit(project.root)
    before = texts(guide)
    release(template)
    report = update_workflows(project, Request(names=["guide"]))
    assert [one.status for one in report.outcomes] == [UpdateStatus.UPDATED]
    after = texts(guide)
    assert {path for path in after if after[path] != before.get(path)} == {ANSWERS_FILE}
    assert "_commit: v0.3.0\n" in after[ANSWERS_FILE]


@pytest.mark.slow
def test_plain_copier_loses_no_line_either(project: Project, guide: Path, template: Path) -> None:
    """It does not know whose the files are where others are missing, and leaves conflicts."""
    adopt(project, "guide")
    commit(project.root)
    before = texts(guide)
    release(template)
    run_update(guide, defaults=True, overwrite=True, quiet=True)
    after = texts(guide)
    before.pop(ANSWERS_FILE)
    lost = [
        line for path in before for line in before[path].splitlines() if line not in after[path]
    ]
    assert lost == []


@pytest.mark.slow
def test_what_is_missing_or_empty_is_filled(project: Project, template: Path, run: Run) -> None:
    """As the guide's `touch` leaves it, it is a workflow that runs and is updated."""
    folder = project.workflow_dir("touched")
    names = ("__init__.py", "config.yaml", "ingestion.py", "transform.py", "dagster_job.py")
    write(folder, dict.fromkeys(names, ""))
    commit(project.root)
    done = run("workflow", "adopt", "touched", "--yes", "-d", "title=Touched")
    assert done.returncode == 0, done.stderr
    ran = run("workflow", "run", "touched")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(rows(project, "touched", "marts.touched")) == 6
    commit(project.root)
    release(template)
    report = update_workflows(project, Request(names=["touched"]))
    assert [one.status for one in report.outcomes] == [UpdateStatus.UPDATED]
    assert (folder / "config.yaml").read_text().startswith("# new\n")
    assert (folder / "__init__.py").read_text() == ""


@pytest.mark.slow
def test_no_repository_is_needed_and_that_an_update_needs_one_is_told(
    project: Project, guide: Path
) -> None:
    """The link is made; what comes later is said in time."""
    shutil.rmtree(project.root / ".git")
    plan = plan_adoption(project, "guide", {})
    assert any("`git init`" in line for line in plan.look_at)
    carry_out(project, plan)
    assert (guide / ANSWERS_FILE).is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("guid", {}, "Did you mean 'guide'?"),
        ("orders", {}, "is linked to a template already"),
        ("guide", {"kind": "project"}, "cannot be given here"),
        ("guide", {"workflow_id": "other"}, "dataflow workflow rename guide NEW"),
        ("guide", {"titel": "Mine"}, "has no question titel"),
        ("guide", {"write_disposition": "sometimes"}, "sometimes"),
    ],
)
def test_what_cannot_be_is_refused(
    project: Project, guide: Path, name: str, given: dict[str, str], told: str
) -> None:
    """In plain words, and nothing is written."""
    with pytest.raises(BadInputError) as refused:
        plan_adoption(project, name, given)
    assert told in str(refused.value)
    assert not (guide / ANSWERS_FILE).exists()


@pytest.mark.slow
def test_what_takes_it_back_is_told(project: Project, guide: Path) -> None:
    """The commands leave the folder as it was."""
    (guide / "transform.py").write_text("")
    before = texts(guide)
    plan = plan_adoption(project, "guide", {})
    carry_out(project, plan)
    assert texts(guide) != before
    for command in plan.back:
        subprocess.run(command, shell=True, cwd=project.root, check=True)
    assert texts(guide) == before
