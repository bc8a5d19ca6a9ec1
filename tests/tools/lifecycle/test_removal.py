"""A workflow that is removed can be had back, with its tables, by the commands that are told."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable

import pytest
from tests.tools.lifecycle.conftest import WORKFLOWS, carry_out, commit, git, rows, texts

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.workflows.registry import WorkflowNotFoundError, list_workflow_ids
from dataflow_tools.lifecycle.removal import StillUsedError, plan_removal

# All need a project that has run.
pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def unread(project: Project) -> Project:
    """The project without the workflow that reads `orders`."""
    shutil.rmtree(project.workflow_dir("reader"))
    shutil.rmtree(project.root / "evidence")
    commit(project.root)
    return project


def told_commands(project: Project, name: str) -> list[str]:
    """Remove a workflow; the commands that bring it back, the last one, a run, left out."""
    plan = plan_removal(project, name, purge=False)
    carry_out(project, plan)
    assert plan.back[-1] == f"dataflow workflow run {name}"
    return plan.back[:-1]


def test_it_comes_back_with_its_tables(unread: Project, run: Run) -> None:
    """As git has it: folder, rows and, after a run, the dashboard."""
    files, before = texts(unread.root / "src"), rows(unread, "orders", "raw.orders")
    removed = run("workflow", "remove", "orders", "--yes", "--json")
    assert removed.returncode == 0, removed.stderr
    assert list_workflow_ids(unread) == []
    assert read_manifest(SiteFolders.of(unread)).tables == {}
    assert rows(unread, "orders", "raw.orders") == before
    *back, last = json.loads(removed.stdout)["back"]
    commit(unread.root)
    for command in back:
        subprocess.run(command, shell=True, cwd=unread.root, check=True)
    assert texts(unread.root / "src") == files
    assert run(*last.split()[1:]).returncode == 0
    assert "orders" in read_manifest(SiteFolders.of(unread)).tables


@pytest.mark.parametrize("has_git", [True, False])
def test_what_git_does_not_have_is_kept(unread: Project, has_git: bool) -> None:
    """Uncommitted work comes back too, and no repository is needed."""
    if not has_git:
        shutil.rmtree(unread.root / ".git")
    (unread.workflow_dir("orders") / "mine.py").write_text("MINE = 1\n")
    files = texts(unread.root / "src")
    back = told_commands(unread, "orders")
    assert not unread.workflow_dir("orders").exists()
    for command in back:
        subprocess.run(command, shell=True, cwd=unread.root, check=True)
    assert texts(unread.root / "src") == files


def test_one_that_others_read_is_not_removed(project: Project) -> None:
    """Each line that would fail is named, and nothing is changed."""
    with pytest.raises(StillUsedError) as refused:
        plan_removal(project, "orders", purge=False)
    reader = f"{WORKFLOWS}/reader"
    assert f"{reader}/config.yaml:4: - orders  # every morning" in refused.value.reason
    assert f"{reader}/dbt/models/marts/orders.sql:1:" in refused.value.reason
    assert "evidence/pages/index.md:1: [Orders](/orders/)" in refused.value.reason


def test_purging_takes_the_tables_and_needs_git(unread: Project) -> None:
    """What git does not have is never deleted."""
    note = unread.workflow_dir("orders") / "mine.py"
    note.write_text("MINE = 1\n")
    with pytest.raises(BadInputError, match="git does not have"):
        plan_removal(unread, "orders", purge=True)
    commit(unread.root)
    carry_out(unread, plan_removal(unread, "orders", purge=True))
    assert not list(unread.data_dir.rglob("*.duckdb"))
    assert not list((unread.state_dir / "removed").glob("*"))
    git(unread.root, "restore", str(WORKFLOWS))
    assert note.read_text() == "MINE = 1\n"


@pytest.mark.parametrize(
    "way", ["skip-worktree", "assume-unchanged", "ignored", "logs", "link", "repository"]
)
def test_purging_deletes_nothing_that_git_was_told_not_to_see(unread: Project, way: str) -> None:
    """Edits that it does not look at, and files that it ignores, are a person's as well.

    So is a folder that is called as tools call theirs, a link, and a repository of its own.
    """
    folder = unread.workflow_dir("orders")
    (unread.root / ".git" / "info" / "exclude").write_text("logs\nmine\n.env\n")
    (folder / "dbt" / "logs").mkdir()
    (folder / "dbt" / "logs" / "dbt.log").write_text("What dbt leaves.\n")
    if way == "logs":
        (folder / "logs").mkdir()
        (folder / "logs" / "decisions.md").write_text("Why.\n")
    elif way == "link":
        (folder / "mine").symlink_to(unread.root, target_is_directory=True)
    elif way == "repository":
        git(unread.root, "init", "--quiet", str(folder / "mine"))
    elif way == "ignored":
        (folder / ".env").write_text("KEY=1\n")
    else:
        git(unread.root, "update-index", f"--{way}", f"{WORKFLOWS}/orders/transform.py")
        (folder / "transform.py").write_text("MINE = 1\n")
    assert git(unread.root, "status", "--porcelain") == ""
    with pytest.raises(BadInputError, match="git does not have"):
        plan_removal(unread, "orders", purge=True)


def test_an_unknown_name_is_refused(project: Project) -> None:
    """The nearest one is named."""
    with pytest.raises(WorkflowNotFoundError) as refused:
        plan_removal(project, "reeder", purge=False)
    assert refused.value.instruction == "Did you mean 'reader'?"
