"""What a run finds once, and what the author's code is told of it."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import Dataflow
from tests.opened_files import counting_opens
from tests.runtime.runs.stall import Stall
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.context import (
    RunContext,
    current_run,
    enter_run,
    open_warehouse,
    share_with_author,
)
from dataflow.runs.lock import WorkflowBusyError, workflow_lock
from dataflow.shared.config import load_config
from dataflow.shared.errors import DataflowError
from dataflow.shared.project import Project, find_project, use_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = write_project(tmp_path / "shop")
    write_workflow(root, "one")
    write_workflow(root, "two")
    return Project(root)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="The kernel's own counting is Linux's")
def test_a_run_reads_locks_and_opens_once(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """Counted by the kernel in a run with dbt and publishing, whoever opens the files.

    DuckDB opens a file three times to connect to it: the load, dbt and the publishing have one
    connection each.
    """
    assert dataflow("workflow", "run", "sales", cwd=project_folder).returncode == 0
    folders = (project_folder, workflow_folder, project_folder / "data")
    with counting_opens(*folders, project_folder / ".dataflow" / "locks") as opened:
        ran = dataflow("workflow", "run", "sales", "--json", cwd=project_folder)
    assert [step["status"] for step in json.loads(ran.stdout)["steps"]] == ["succeeded"] * 5
    assert opened["config.yaml"] == 1
    # Who holds the lock is written down each time that it is taken.
    assert opened["sales.json"] == 1
    # To find the project, for its settings, and before these to learn if a warm process may do it;
    # two opens that follow at once may be told as one.
    assert 1 <= opened["pyproject.toml"] <= 3
    assert opened["sales.duckdb"] <= 9


def test_inside_a_run_the_author_gets_its_project_and_configuration(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From wherever the process runs, without reading again, and as a dict of one's own."""
    monkeypatch.chdir(tmp_path)
    with share_with_author(project, "one") as config:
        assert config is not None
        (project.workflow_dir("one") / "config.yaml").write_text("{")
        assert find_project() is project
        mine = load_config("one")
        assert mine["load"]["table"] == "rows"
        mine["load"]["table"] = "changed"
        assert load_config("one")["load"]["table"] == "rows"
        assert load_config("two")["workflow"]["name"] == "two"
    with pytest.raises(DataflowError):
        find_project()


def test_an_author_in_one_project_can_ask_another(project: Project, tmp_path: Path) -> None:
    """A project that is named is looked into; that of the run is only the default."""
    other = Project(write_project(tmp_path / "other"))
    folder = write_workflow(other.root, "one")
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("table: rows", "table: others"))
    with share_with_author(project, "one"):
        assert load_config("one", other)["load"]["table"] == "others"
        assert find_project(other.root).root == other.root


def test_a_workflow_without_configuration_has_none(project: Project) -> None:
    """One written by hand runs all the same; a step that needs it is told what is missing."""
    (project.workflow_dir("one") / "config.yaml").unlink()
    with share_with_author(project, "one") as config:
        assert config is None
        with pytest.raises(DataflowError, match="there is no such file"):
            _ = RunContext(project, "one", "id", None).settings


def test_only_a_step_that_nobody_holds_the_workflow_for_takes_the_lock(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a run that holds it a step goes ahead; alone it waits for its turn."""
    monkeypatch.setenv("DATAFLOW_LOCK_TIMEOUT_SECONDS", "0")
    held = RunContext(project, "one", "id", None)
    alone = RunContext(project, "one", "id", None, is_locked=False)
    with held.lock():
        assert not (project.state_dir / "locks").exists()
    with alone.lock():
        assert (project.state_dir / "locks" / "one.json").exists()
    with workflow_lock(project, "two"), alone.lock():
        pass
    assert issubclass(WorkflowBusyError, DataflowError)


def test_the_current_run_is_that_of_the_block(project: Project) -> None:
    """Also after one inside another, and after an error."""
    outer, inner = (RunContext(project, "one", name, None) for name in ("a", "b"))
    assert current_run() is None
    with enter_run(outer):
        with suppress(ValueError), enter_run(inner):
            assert current_run() is inner
            raise ValueError("x")
        assert current_run() is outer
    assert current_run() is None


def test_steps_of_another_workflow_do_not_write_its_tables(tmp_path: Path) -> None:
    """As where a folder was copied and its job not changed: the run says what to write."""
    stall = Stall(tmp_path / "shop")
    job = stall.folder / "dagster_job.py"
    job.write_text(job.read_text().replace("Steps(__package__)", 'Steps("till")'))
    run = stall.run()
    assert run.status == "failed"
    assert "The job of 'stall' has the steps of 'till'" in run.steps[0].error
    assert not (stall.root / "data").exists()


def test_own_steps_find_the_tables_that_everybody_sees(tmp_path: Path) -> None:
    """Outside of a run; in one of another workflow as well."""
    stall = Stall(tmp_path / "shop")
    with use_project(stall.project):
        with open_warehouse("stall") as connection:
            connection.execute("CREATE TABLE seen AS SELECT 1 AS one")
        with (
            enter_run(RunContext(stall.project, "other", "id", None)),
            open_warehouse("stall", read_only=True) as connection,
        ):
            assert connection.execute("FROM seen").fetchall() == [(1,)]
