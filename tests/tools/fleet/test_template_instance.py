"""Which folders an update is about: workflows by name, all of them, and the project itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.material import BOTH, MINE, TEN, THEIRS

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.fleet.safety import UncommittedError
from dataflow_tools.fleet.update import Request, update_workflows

if TYPE_CHECKING:
    from tests.tools.fleet.conftest import Lab

PIN = '[tool.dataflow]\n# {{ _copier_answers._commit }}\n"name" = 1\n'


@pytest.fixture
def project(lab: Lab) -> Lab:
    """A project that was itself made from the template, with one workflow."""
    import copier

    lab.release("1.0.0", {"pyproject.toml.jinja": PIN, "compose.yaml": TEN}, kind="project")
    copier.run_copy(
        str(lab.template),
        lab.project.root,
        {"kind": "project"},
        defaults=True,
        overwrite=True,
        quiet=True,
    )
    (lab.project.root / "compose.yaml").write_text(MINE, encoding="utf-8")
    lab.release("1.0.1", {"a.py": "a\n"})
    lab.render("one")
    return lab


def test_the_projects_own_files_are_updated_on_request(project: Lab) -> None:
    """The project's pin moves and its edited files are merged; its workflows stay as they are."""
    project.release("1.1.0", {"compose.yaml": THEIRS}, kind="project")
    project.release("1.2.0", {"a.py": "b\n"})
    root = project.project.root
    work = project.project.workflow_dir("one") / "a.py"
    work.write_text("uncommitted\n", encoding="utf-8")

    report = project.update(project=True, workflows=False)

    assert [one.workflow_id for one in report.outcomes] == ["(project)"]
    assert report.exit_code == 0
    assert (root / "compose.yaml").read_text(encoding="utf-8") == BOTH
    assert "# 1.2.0" in (root / "pyproject.toml").read_text(encoding="utf-8")
    assert work.read_text(encoding="utf-8") == "uncommitted\n"


def test_a_conflict_in_the_project_is_marked(project: Lab) -> None:
    """Conflicts in the project's own files are known to git by their names."""
    project.release("1.1.0", {"compose.yaml": TEN.replace("line 1", "theirs")}, kind="project")
    report = project.update(project=True, workflows=False)
    assert report.outcomes[0].conflicts == ["compose.yaml"]
    assert project.unmerged() == {(n, "compose.yaml") for n in "123"}


def test_uncommitted_changes_in_the_projects_files_refuse_the_run(project: Lab) -> None:
    """A file of the project that would change must be committed first."""
    project.release("1.1.0", {"compose.yaml": THEIRS}, kind="project")
    (project.project.root / "compose.yaml").write_text("uncommitted\n", encoding="utf-8")
    with pytest.raises(UncommittedError, match=r"compose\.yaml"):
        project.update(project=True)
    assert "_commit: 1.0.1" in project.read("one", ".copier-answers.yml")


def test_a_project_in_a_subfolder_of_a_repository_is_updated(lab: Lab) -> None:
    """The project need not be the root of its repository."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.edit("one", {"a.py": TEN.replace("line 4", "mine")})
    root = lab.project.root
    inner = root / "data team" / "pipelines"
    inner.parent.mkdir()
    inner.mkdir()
    for path in list(root.iterdir()):
        if path.name not in {".git", "data team"}:
            shutil.move(path, inner / path.name)
    lab.commit()
    lab.release("1.1.0", {"a.py": TEN.replace("line 4", "theirs")})

    report = update_workflows(Project(inner), Request())

    assert report.outcomes[0].conflicts == ["a.py"]
    assert lab.unmerged() == {(n, "a.py") for n in "123"}


def test_a_renamed_folder_is_told_and_can_be_renamed_inside(lab: Lab) -> None:
    """A folder whose answers have another name is updated; the name it should have can be given."""
    config = lab.config + 'workflow_id: {type: str, default: "{{ _folder_name }}"}\n'
    lab.release("1.0.0", {"a.py.jinja": "{{ workflow_id }}\n"}, config=config)
    lab.render("one")
    lab.git("mv", *(str(lab.project.workflow_dir(name)) for name in ("one", "two")))
    lab.commit()
    lab.release("1.1.0", {"b.py.jinja": "{{ workflow_id }}\n"})

    (told,) = lab.update("two", plan_only=True).outcomes[0].notes
    assert "dataflow workflow rename one two" in told
    report = lab.update("two", given={"workflow_id": "two"})

    assert report.outcomes[0].notes == []
    assert (lab.read("two", "a.py"), lab.read("two", "b.py")) == ("two\n", "two\n")


def test_names_are_checked_first(lab: Lab) -> None:
    """A misspelt name is refused with the name that was probably meant."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("daily_sales")

    with pytest.raises(BadInputError, match="daily_sale.*\\n.*Did you mean `daily_sales`"):
        lab.update("daily_sale")


def test_workflows_written_by_hand_are_let_be(lab: Lab) -> None:
    """A folder without an answers file is counted, and is no failure; who names it is told more."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    lab.edit("byhand", {"config.yaml": "workflow: {}\n"})

    report = lab.update()

    assert (report.exit_code, lab.status_of(report, "byhand")) == (0, "unmanaged")
    assert "dataflow workflow adopt byhand" in lab.update("byhand").outcomes[0].notes[0]


@pytest.mark.parametrize("committed", [False, True])
def test_an_answers_file_that_is_gone_is_brought_back(lab: Lab, committed: bool) -> None:
    """The command that is told does it, whether or not somebody has committed that it is gone."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.edit("one", {"config.yaml": "workflow: {}\n"})
    lab.render("one")
    answers = lab.project.workflow_dir("one") / ".copier-answers.yml"
    answers.unlink()
    if committed:
        lab.commit()

    note = lab.update("one").outcomes[0].notes[0]
    lab.git(*note.partition("bring it back: git ")[2].split())

    assert lab.status_of(lab.update("one")) == "current"


def test_answers_of_the_other_kind_are_refused(lab: Lab) -> None:
    """A workflow is never updated as if it were a project, whatever its answers file says."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.render("one")
    answers = lab.read("one", ".copier-answers.yml")
    lab.edit("one", {".copier-answers.yml": f"{answers}kind: project\n"})
    lab.release("1.1.0", {"a.py": THEIRS})

    outcome = lab.update("one").outcomes[0]

    assert "says `kind: project`, and this is a workflow" in (outcome.reason or "")
    assert lab.read("one", "a.py") == TEN


@pytest.mark.slow
def test_workflows_that_get_ahead_of_the_project_are_mentioned(project: Lab) -> None:
    """The report says when the library that the project pins is older than its workflows."""
    project.release("1.1.0", {"a.py": "b\n"})
    project.commit()
    report = project.update()
    where = "The project's own files and the library it pins are at 1.0.0."
    assert report.notes == [f"{where} Update them too: dataflow workflow update --project"]
    project.commit()
    assert project.update(project=True).notes == []
