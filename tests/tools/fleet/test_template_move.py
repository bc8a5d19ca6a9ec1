"""A template at a new address: all answers and pins follow it, or none do."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.conftest import git
from tests.tools.fleet.material import ANSWERS, BOTH, MINE, TEN, THEIRS
from tests.tools.fleet.test_journal import kill, undo, update_until

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.applying import journal_folder
from dataflow_tools.fleet.journal import recover
from dataflow_tools.fleet.safety import UncommittedError
from dataflow_tools.fleet.template_move import _MOST_NAMED, move_template
from dataflow_tools.fleet.versions import TemplateError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.fleet.conftest import Lab

PINS = """\
[tool.dataflow]

[tool.uv.sources]
dataflow-runtime = { git = "file://{{ _copier_answers._src_path }}", rev = "1", subdirectory = "r" }
"""
LOCK = 'source = { git = "file://%s?subdirectory=r&rev=1#abc" }\n'


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Lab:
    """A project with three workflows, pins and a lock, of a template that is now elsewhere, too."""
    import copier

    lab.template = lab.template.rename(tmp_path / "old")
    lab.release("1.0.0", {"pyproject.toml.jinja": PINS}, kind="project")
    lab.release("1.1.0", {"a.py": TEN})
    copier.run_copy(
        str(lab.template),
        lab.project.root,
        {"kind": "project"},
        vcs_ref="1.1.0",
        defaults=True,
        overwrite=True,
        quiet=True,
    )
    lab.render("one", "two", "three")
    root = lab.project.root
    (root / "uv.lock").write_text(LOCK % lab.template)
    (root / "notes.md").write_text(f"made from {lab.template}\n")
    lab.edit("one", {"a.py": MINE})
    git(tmp_path, "clone", "-q", "--mirror", str(lab.template), str(tmp_path / "new.git"))
    return lab


def answered(lab: Lab, source: Path, version: str = "1.0.0") -> str:
    """What stands in the answers of a workflow of that template."""
    return f"# by Copier\n_commit: {version}\n_src_path: {source}\nkind: workflow\n"


def test_the_address_to_leave_is_the_projects_or_the_only_one(lab: Lab, tmp_path: Path) -> None:
    """Where neither is known it is asked for; who is from another template stays there."""
    lab.release("1.0.0", {"a.py": TEN})
    new, other = tmp_path / "new", tmp_path / "other"
    for clone in (new, other):
        git(tmp_path, "clone", "-q", str(lab.template), str(clone))
    lab.edit("one", {ANSWERS: answered(lab, lab.template)})
    assert move_template(lab.project, str(new), plan_only=True).former == str(lab.template)

    lab.edit("two", {ANSWERS: answered(lab, other)})
    with pytest.raises(BadInputError, match=r"from 2: .*/other, .*/the template\."):
        move_template(lab.project, str(new), plan_only=True)

    (lab.project.root / ANSWERS).write_text(answered(lab, other).replace("workflow", "project"))
    lab.commit()
    planned = move_template(lab.project, str(new), plan_only=True)
    assert (planned.former, planned.versions) == (str(other), ["1.0.0"])
    assert planned.files == [ANSWERS, f"src/dataflow/workflows/two/{ANSWERS}"]
    assert planned.notes == ["Left alone, from another template: one."]


def test_a_version_that_the_old_address_has_no_more_is_compared_by_name(
    lab: Lab, tmp_path: Path
) -> None:
    """It is in use and at the new address: that is what the move is for."""
    lab.release("1.0.0", {"a.py": TEN})
    lab.edit("one", {ANSWERS: answered(lab, lab.template)})
    new = tmp_path / "new"
    git(tmp_path, "clone", "-q", str(lab.template), str(new))
    lab.git_template("tag", "-d", "1.0.0")

    moved = move_template(lab.project, str(new))

    assert moved.files == [f"src/dataflow/workflows/one/{ANSWERS}"]
    assert lab.read("one", ANSWERS) == answered(lab, new)


def addresses(lab: Lab) -> dict[str, str]:
    """What each file that names the template says of its address: old, new, or both."""
    root = lab.project.root
    names = ("(project)", "one", "two", "three")
    files = {
        n: (root if n == "(project)" else lab.project.workflow_dir(n)) / ANSWERS for n in names
    }
    files |= {name: root / name for name in ("pyproject.toml", "uv.lock")}
    said = {}
    for name, path in files.items():
        text = path.read_text(encoding="utf-8")
        found = [word for word in ("old", "new.git") if f"/{word}" in text]
        said[name] = " ".join(found)
    return said


@pytest.mark.slow
def test_everything_follows_at_once_and_updates_go_on(project: Lab, tmp_path: Path) -> None:
    """Answers, pins and lock have the new address; the next update has no conflict of it."""
    new = tmp_path / "new.git"
    planned = move_template(project.project, str(new), plan_only=True)
    assert project.status() == ""

    done = move_template(project.project, str(new))

    assert done == planned
    assert len(done.files) == 6
    assert done.notes == ["The old address also stands in notes.md."]
    assert set(addresses(project).values()) == {"new.git"}
    project.commit()
    shutil.rmtree(project.template)
    git(tmp_path, "clone", "-q", str(new), str(project.template))
    project.release("1.2.0", {"a.py": THEIRS})
    project.release("1.3.0", {"pyproject.toml.jinja": PINS + "# more\n"}, kind="project")
    git(project.template, "push", "-q", "--tags", "origin", "main")
    shutil.rmtree(project.template)
    report = project.update(project=True)
    assert report.exit_code == 0, report.as_json()
    assert project.read("one", "a.py") == BOTH
    assert (project.project.root / "pyproject.toml").read_text().endswith("# more\n")
    assert move_template(project.project, str(new), plan_only=True).files == []


def test_a_place_without_the_versions_in_use_is_refused(project: Lab, tmp_path: Path) -> None:
    """No such tag, a tag on other content, a subfolder, nothing there: refused, none written."""
    new = tmp_path / "new.git"
    git(new, "tag", "-d", "1.1.0")
    with pytest.raises(BadInputError, match="has no version 1.1.0, which is in use"):
        move_template(project.project, str(new))
    project.release("9", {"a.py": THEIRS})
    git(tmp_path, "clone", "-q", "--mirror", str(project.template), str(tmp_path / "other.git"))
    git(tmp_path / "other.git", "tag", "-f", "1.1.0", "9")
    with pytest.raises(BadInputError, match="is not what it is at the address in use"):
        move_template(project.project, str(tmp_path / "other.git"))
    for bad in (project.template / "template", tmp_path / "nowhere"):
        with pytest.raises(TemplateError):
            move_template(project.project, str(bad))
    with pytest.raises(BadInputError, match="Nothing here is from the template x"):
        move_template(project.project, str(tmp_path / "other.git"), former="x")
    assert project.status() == ""


def test_only_what_is_rendered_is_compared(project: Lab, tmp_path: Path) -> None:
    """What a wheel leaves out of the repository makes no other version; a question does."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(project.template), str(other))
    git(other, "checkout", "-q", "1.1.0")
    for name, is_refused in (("LICENSE", False), ("copier.yml", True)):
        with (other / name).open("a", encoding="utf-8") as file:
            file.write("# more\n")
        git(other, "add", "--all")
        git(other, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", name)
        git(other, "tag", "-f", "1.1.0")
        if not is_refused:
            assert move_template(project.project, str(other), plan_only=True).files
            continue
        with pytest.raises(BadInputError, match="is not what it is at the address in use"):
            move_template(project.project, str(other), plan_only=True)


@pytest.mark.slow
def test_what_git_does_not_have_is_not_changed(project: Lab, tmp_path: Path) -> None:
    """A file with uncommitted work refuses the move of all; work elsewhere does not matter."""
    (project.project.root / "notes.md").write_text("mine\n")
    (project.project.workflow_dir("two") / "mine.md").write_text("mine\n")
    pins = project.project.root / "pyproject.toml"
    before = pins.read_text()
    pins.write_text(before + "# mine\n")
    with pytest.raises(UncommittedError, match=r"pyproject\.toml"):
        move_template(project.project, str(tmp_path / "new.git"))
    assert set(addresses(project).values()) == {"old"}
    pins.write_text(before)
    assert len(move_template(project.project, str(tmp_path / "new.git")).files) == 6


@pytest.mark.slow
def test_killed_at_any_point_it_is_done_or_undone(project: Lab, tmp_path: Path) -> None:
    """After `kill -9` at each change of a file, what comes next finds all of it old, or all new."""
    new = str(tmp_path / "new.git")

    def move() -> int:
        move_template(project.project, new)
        return 0

    seen: set[str] = set()
    number = 1
    while True:
        ended = update_until(project, number, kill, move)
        if os.WIFEXITED(ended):
            assert os.waitstatus_to_exitcode(ended) == 64
            break
        list(recover(journal_folder(project.project)))
        said = {*addresses(project).values()}
        assert len(said) == 1, (number, addresses(project))
        seen |= said
        undo(project)
        number += 2
    assert seen == {"old", "new.git"}


def test_what_is_not_the_projects_to_change_stays_with_the_old_address(
    lab: Lab, tmp_path: Path
) -> None:
    """Links and repositories of their own are named; an old address that is gone, too."""
    lab.release("1.0.0", {"a.py": TEN})
    new = lab.template.rename(tmp_path / "new")
    lab.edit("one", {ANSWERS: answered(lab, tmp_path / "gone")})
    lab.edit("own", {ANSWERS: answered(lab, tmp_path / "gone")})
    own = lab.project.workflow_dir("own")
    outside = own.rename(tmp_path / "outside")
    own.symlink_to(outside)
    lab.commit()

    moved = move_template(lab.project, str(new))

    assert (moved.source, moved.former) == (str(new), str(tmp_path / "gone"))
    assert "Left alone, as links or repositories of their own: own." in moved.notes
    assert any("compared by name" in note for note in moved.notes)
    assert lab.read("one", ANSWERS) == answered(lab, new)
    assert (outside / ANSWERS).read_text() == answered(lab, tmp_path / "gone")


def test_uncommitted_answers_refuse_a_move_with_some_of_their_names(
    lab: Lab, tmp_path: Path
) -> None:
    """As many as a person reads, and how many more there are."""
    lab.release("1.0.0", {"a.py": TEN})
    git(tmp_path, "clone", "-q", str(lab.template), str(tmp_path / "new"))
    names = [f"w{number}" for number in range(_MOST_NAMED + 1)]
    for name in names:
        lab.edit(name, {ANSWERS: answered(lab, lab.template)})

    def change(name: str) -> None:
        with (lab.project.workflow_dir(name) / ANSWERS).open("a") as file:
            file.write("# mine\n")

    for name in names[:-1]:
        change(name)
    with pytest.raises(UncommittedError, match=rf"{names[-2]}/\.copier-answers\.yml\. Nothing"):
        move_template(lab.project, str(tmp_path / "new"))
    change(names[-1])
    with pytest.raises(UncommittedError, match=r" and 1 more\. Nothing was changed"):
        move_template(lab.project, str(tmp_path / "new"))
    assert str(lab.template) in lab.read(names[0], ANSWERS)
