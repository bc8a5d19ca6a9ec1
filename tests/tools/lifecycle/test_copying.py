"""A copy runs at once, with tables of its own and nothing of the other's past."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tools.lifecycle.conftest import carry_out, git, rows, texts

from dataflow.shared.config import workflow_config
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.checks.own_name import foreign_names
from dataflow_tools.checks.workflow_source import WorkflowSource
from dataflow_tools.lifecycle.copying import plan_copy
from dataflow_tools.lifecycle.references import Names, own_files

# All need a project that has run.
pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_copy_has_tables_of_its_own(project: Project, run: Run) -> None:
    """The original's rows, files and runs are as they were."""
    before = rows(project, "orders", "raw.orders")
    done = run("workflow", "copy", "orders", "trial", "--yes")
    assert done.returncode == 0, done.stderr
    assert not project.warehouse_file("trial").exists()
    assert git(project.root, "status", "--porcelain") == "?? src/dataflow/workflows/trial/\n"
    ran = run("workflow", "run", "trial")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(rows(project, "trial", "marts.orders")) == 6
    assert rows(project, "orders", "raw.orders") == before
    assert workflow_config("trial", project).load.table == "orders"


def test_a_copy_has_what_git_would_take(project: Project) -> None:
    """New files too, but nothing that is ignored."""
    folder = project.workflow_dir("orders")
    (folder / "mine.py").write_text('"""Mine."""\n')
    (folder / "scratch.duckdb").write_text("ignored\n")
    (project.root / ".gitignore").open("a").write("*.duckdb\n")
    carry_out(project, plan_copy(project, "orders", "trial"))
    there = set(texts(project.workflow_dir("trial")))
    assert there == set(texts(folder)) - {"scratch.duckdb"}
    left = own_files(project.workflow_dir("trial"), Names("orders", "other"))
    assert left == []


@pytest.mark.parametrize("has_git", [True, False])
def test_a_copy_has_folders_of_any_name_and_says_what_it_leaves_out(
    project: Project, has_git: bool
) -> None:
    """A folder of data called `target`, links to folders; a repository of its own is not copied."""
    folder = project.workflow_dir("orders")
    (folder / "target").mkdir()
    (folder / "target" / "goals.csv").write_text("a\n1\n")
    (folder / "shared").symlink_to("target", target_is_directory=True)
    git(project.root, "init", "--quiet", str(folder / "vendored"))
    (folder / "vendored" / "code.py").write_text("")
    if not has_git:
        shutil.rmtree(project.root / ".git")
    plan = plan_copy(project, "orders", "trial")
    carry_out(project, plan)
    copy = project.workflow_dir("trial")
    assert (copy / "shared" / "goals.csv").read_text() == "a\n1\n"
    assert (copy / "shared").is_symlink()
    assert not (copy / "vendored").exists()
    assert any("orders/vendored is a git repository of its own" in each for each in plan.look_at)


def test_a_folder_copied_by_hand_is_refused_and_made_its_own(project: Project, run: Run) -> None:
    """It does not run on the tables of the other, and the command makes it right."""
    shutil.copytree(project.workflow_dir("orders"), project.workflow_dir("trial"))
    before = rows(project, "orders", "raw.orders")
    refused = run("workflow", "run", "trial")
    assert refused.returncode == 2
    assert "was copied by hand" in refused.stderr
    assert "dataflow workflow copy orders trial" in refused.stderr
    with pytest.raises(BadInputError, match="copy orders trial"):
        plan_copy(project, "trial", "another")
    carry_out(project, plan_copy(project, "orders", "trial"))
    assert run("workflow", "list", "--check").returncode == 0
    assert rows(project, "orders", "raw.orders") == before


def test_a_copy_of_a_copy_outside_of_git(project: Project) -> None:
    """No repository is needed."""
    shutil.rmtree(project.root / ".git")
    carry_out(project, plan_copy(project, "orders", "trial"))
    carry_out(project, plan_copy(project, "trial", "again"))
    assert set(texts(project.workflow_dir("again"))) == set(texts(project.workflow_dir("orders")))


def test_what_a_copy_shares_is_told(project: Project) -> None:
    """Its schedule and its name are the other's until somebody changes them."""
    told = plan_copy(project, "orders", "trial").look_at
    assert [line for line in told if "0 6 * * *" in line]
    assert [line for line in told if "'Orders'" in line]
    assert git(project.root, "status", "--porcelain") == ""


def test_a_copy_whose_steps_are_anothers_writes_none_of_its_tables(
    project: Project, run: Run
) -> None:
    """Half put right by hand, it fails before it writes, and the check names the line."""
    folder = shutil.copytree(project.workflow_dir("orders"), project.workflow_dir("trial"))
    answers, job = folder / ".copier-answers.yml", folder / "dagster_job.py"
    answers.write_text(answers.read_text().replace("workflow_id: orders", "workflow_id: trial"))
    job.write_text(job.read_text().replace("Steps(__package__)", 'Steps("orders")'))
    before = rows(project, "orders", "raw.orders")
    ran = run("workflow", "run", "trial")
    assert ran.returncode == 1
    assert "The job of 'trial' has the steps of 'orders'" in ran.stdout + ran.stderr
    assert rows(project, "orders", "raw.orders") == before
    found = foreign_names(WorkflowSource(project, "trial"))
    assert [(Path(one.file).name, one.line) for one in found] == [("dagster_job.py", 11)]
