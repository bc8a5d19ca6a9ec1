"""Which workflows a change is about."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.checks.changed import changed_workflows

PERSON = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *PERSON, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "-qm", "x")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """`c` comes after `b`, `b` after an asset of `a`, `d` after nothing; on a branch of main."""
    root = tmp_path / "team" / "shop"
    after = {"a": "", "b": "  after: [a/marts/a]\n", "c": "  after: b\n", "d": ""}
    for name, line in after.items():
        folder = root / "src" / "dataflow" / "workflows" / name
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(f"workflow:\n  name: {name}\n{line}")
        (folder / "transform.py").touch()
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    (root / "README.md").touch()
    git(tmp_path / "team", "init", "-q", "-b", "main")
    commit(root)
    git(root, "checkout", "-qb", "work")
    return Project(root)


def test_nothing_changed_is_no_workflow(project: Project) -> None:
    """A branch without commits of its own has nothing to check."""
    assert changed_workflows(project, "main") == []


@pytest.mark.parametrize(("name", "found"), [("a", "abc"), ("b", "bc"), ("c", "c"), ("d", "d")])
def test_those_that_run_after_a_changed_one_are_checked_too(
    project: Project, name: str, found: str
) -> None:
    """At any distance, and by an asset's key as well as by a name."""
    (project.workflow_dir(name) / "transform.py").write_text("x = 1\n")
    assert changed_workflows(project, "main") == list(found)
    commit(project.root)
    assert changed_workflows(project, "main") == list(found)


def test_new_files_and_deleted_ones_are_changes(project: Project) -> None:
    """Also while git does not track them."""
    (project.workflow_dir("d") / "new.sql").touch()
    (project.workflow_dir("c") / "transform.py").unlink()
    assert changed_workflows(project, "main") == ["c", "d"]


def test_what_came_to_the_other_branch_since_does_not_count(project: Project) -> None:
    """A pull request is asked about its own changes."""
    git(project.root, "checkout", "-q", "main")
    (project.workflow_dir("a") / "transform.py").write_text("theirs = 1\n")
    commit(project.root)
    git(project.root, "checkout", "-q", "work")
    (project.workflow_dir("d") / "transform.py").write_text("ours = 1\n")
    commit(project.root)
    assert changed_workflows(project, "main") == ["d"]


@pytest.mark.parametrize("path", ["pyproject.toml", "uv.lock", "src/dataflow/team/shared.py"])
def test_what_all_stand_on_is_about_all(project: Project, path: str) -> None:
    """Other versions of the libraries, or code that several workflows import."""
    changed = project.root / path
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text("[tool.dataflow]\n# changed\n" if path == "pyproject.toml" else "# new\n")
    assert changed_workflows(project, "main") == ["a", "b", "c", "d"]


def test_what_no_workflow_stands_on_is_about_none(project: Project) -> None:
    """Words of the project, and another project of the same repository."""
    (project.root / "README.md").write_text("Words\n")
    (project.root.parent / "elsewhere.py").touch()
    assert changed_workflows(project, "main") == []


def test_a_removed_workflow_is_checked_in_those_that_came_after_it(project: Project) -> None:
    """It cannot be checked itself any more."""
    for path in project.workflow_dir("b").iterdir():
        path.unlink()
    assert changed_workflows(project, "main") == ["c"]


def test_an_unknown_commit_is_refused_with_what_to_do(project: Project) -> None:
    """A shallow clone lacks the branch; to check nothing would be worse than to fail."""
    with pytest.raises(BadInputError) as caught:
        changed_workflows(project, "origin/main")
    assert "'origin/main'" in caught.value.reason
    assert "fetch-depth: 0" in caught.value.instruction
