"""Which machine a run may be on."""

import socket
from pathlib import Path

import psycopg2
import pytest
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.dagster_names import ENVIRONMENT_TAG, RUN_HOST_TAG, WORKFLOW_TAG
from dataflow.runs.instance import open_instance
from dataflow.runs.place import (
    LocalStateError,
    SharedTargetError,
    check_place,
    check_reach,
    local_parts,
    place_tags,
)
from dataflow.runs.run import run_workflow
from dataflow.shared.project import Project
from dataflow.warehouse.data_folder import DataFolderError

CELERY = '{type = "celery", broker = "redis://nowhere:1/0"}'
SHARED = """
warehouse = {type = "duckdb", shared = true}
state_store = "/mnt/state"
publish_target = "s3://bucket/site"
"""


def project_with(root: Path, settings: str) -> Project:
    write_project(root)
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\n{settings}\n")
    return Project(root)


def test_a_remote_launcher_is_refused_with_what_is_local(tmp_path: Path) -> None:
    """All of it, each with its setting; the run leaves nothing behind."""
    project = project_with(tmp_path / "shop", f"launcher = {CELERY}")
    write_workflow(project.root, "sales")
    with pytest.raises(LocalStateError) as error:
        run_workflow(project, "sales")
    for word in ("warehouse = 'duckdb'", "state_store is not set", "publish_target is not set"):
        assert word in str(error.value)
    assert not (project.root / "data").exists()
    assert not (project.root / ".dagster").exists()
    assert (project.root / "journal").read_text() == ""


def test_what_is_named_is_taken_as_shared_but_not_the_history(tmp_path: Path) -> None:
    """A folder that a person has named as state store is one that every host has; locks are not."""
    project = project_with(tmp_path / "shop", f"launcher = {CELERY}\n{SHARED}")
    assert local_parts(project) == []
    with pytest.raises(LocalStateError, match="history is not set"):
        check_reach(project)


def test_a_launcher_of_dagsters_own_file_decides(tmp_path: Path) -> None:
    """It wins over the setting: runs go elsewhere where it is remote, and stay where it is not."""
    project = project_with(tmp_path / "shop", f"launcher = {CELERY}")
    with (project.root / "dagster.yaml").open("a") as settings:
        settings.write("\nrun_launcher: {module: dagster_k8s, class: K8sRunLauncher}\n")
    with pytest.raises(LocalStateError, match=r"run_launcher of dagster\.yaml, dagster_k8s, start"):
        check_reach(project)
    text = (project.root / "dagster.yaml").read_text()
    own = text.replace("dagster_k8s", "dagster").replace("K8sRunLauncher", "DefaultRunLauncher")
    (project.root / "dagster.yaml").write_text(own)
    check_reach(project)


def test_the_embedded_default_may_be_local(tmp_path: Path) -> None:
    """Runs of one machine need none of it."""
    project = project_with(tmp_path / "shop", "")
    assert len(local_parts(project)) == 3
    check_reach(project)
    assert place_tags(project) == {}


def test_a_run_that_could_not_write_its_tables_does_not_begin(tmp_path: Path) -> None:
    """Also where runs stay on this machine."""
    project = project_with(tmp_path / "shop", 'data_dir = "here"')
    (project.root / "here").touch()
    with pytest.raises(DataFolderError, match="here"):
        check_reach(project)


def test_an_environment_with_tables_of_its_own_has_a_place_of_its_own_for_dashboards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would replace what the project has published; unless it says so itself."""
    own = '[tool.dataflow.environments.dev]\ndata_dir = "dev"\n'
    monkeypatch.setenv("DATAFLOW_ENV", "dev")
    project = project_with(tmp_path / "shop", f'publish_target = "site"\n{own}')
    with pytest.raises(SharedTargetError, match="'dev' has tables of its own"):
        check_reach(project)
    check_reach(project_with(tmp_path / "b", f'publish_target = "site"\n{own}publish_target=""'))
    check_reach(project_with(tmp_path / "c", own))
    monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://nowhere/history")
    tags = place_tags(Project(project.root))
    assert tags == {ENVIRONMENT_TAG: "dev", RUN_HOST_TAG: socket.gethostname()}


@pytest.mark.slow
def test_a_run_on_another_host_than_the_last_good_one_is_refused(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a shared history and local tables; not where the tables are that run's, or shared."""
    monkeypatch.setenv("DATAFLOW_HISTORY", postgres)
    name = tmp_path.name.replace("-", "_")
    project = project_with(tmp_path / name, "")
    write_workflow(project.root, "sales")
    assert run_workflow(project, "sales").success
    monkeypatch.setattr(socket, "gethostname", lambda: "another-host")
    with pytest.raises(LocalStateError, match=r"was on .*, this is another-host, .*\nRun it on "):
        run_workflow(project, "sales")
    (project.root / "pyproject.toml").write_text(f"[tool.dataflow]\n{SHARED}\n")
    shared = Project(project.root)
    with open_instance(shared) as instance:
        check_place(shared, "sales", instance)
        [run] = instance.get_runs()
        assert run.tags[WORKFLOW_TAG] == "sales"
        assert run.tags[RUN_HOST_TAG] != "another-host"
    connection = psycopg2.connect(postgres)
    connection.autocommit = True
    connection.cursor().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()


def test_a_run_stays_where_the_last_good_one_was_if_its_tables_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the tables are those of that run, as after a move, it may go on elsewhere."""
    monkeypatch.setenv("DATAFLOW_WAREHOUSE", "duckdb")
    local = project_with(tmp_path / "shop", "")
    write_workflow(local.root, "sales")
    with monkeypatch.context() as there:
        there.setattr(socket, "gethostname", lambda: "afar")
        there.setattr("dataflow.runs.run.place_tags", lambda _: {RUN_HOST_TAG: "afar"})
        ran = run_workflow(local, "sales")
    assert ran.success
    with open_instance(local) as instance:
        check_place(local, "sales", instance)
        monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://nowhere/history")
        shared = Project(local.root)
        check_place(shared, "nothing", instance)
        with pytest.raises(LocalStateError, match="was on afar"):
            check_place(shared, "sales", instance)
        monkeypatch.setattr(socket, "gethostname", lambda: "afar")
        check_place(shared, "sales", instance)
        monkeypatch.undo()
