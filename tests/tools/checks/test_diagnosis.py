"""What doctor says of a machine and a project, well and ill."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest
from tests.conftest import Dataflow
from tests.tools.checks.conftest import BARE, commit

from dataflow.shared.project import Project
from dataflow_tools.checks.diagnosis import examine
from dataflow_tools.checks.project_health import diagnose_project
from dataflow_tools.checks.protocol import Status, Verdict
from dataflow_tools.checks.template_version import diagnose_versions


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A new project, whose ports nobody has."""
    monkeypatch.chdir(project_folder)
    for name in ("DAGSTER", "API", "EVIDENCE"):
        monkeypatch.setenv(f"DATAFLOW_{name}_PORT", str(free_port()))
    return Project(project_folder)


def problems(found: dict[str, Verdict]) -> dict[str, str]:
    """What is wrong, by what was looked at; each problem says what to do."""
    assert all(f.instruction for verdict in found.values() for f in verdict.findings)
    return {name: str(v.findings) for name, v in found.items() if v.status is Status.MISSING}


def around(project: Project) -> dict[str, str]:
    return problems(diagnose_project(project))


@pytest.mark.slow
def test_a_new_project_has_no_problem(project: Project) -> None:
    """Nothing is wrong before the first run; the stores that a run makes are not missed."""
    root, groups = examine(offline=True)
    assert root == project.root
    assert problems(groups["Project"]) == {}
    for name in ("warehouses", "run history"):
        assert groups["Project"][name].status is Status.NOT_APPLICABLE


@pytest.mark.slow
def test_outside_a_project_the_machine_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No project is no problem."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if Path(p).name != "src"])
    root, groups = examine()
    assert root is None
    assert {"python", "namespace", "packages", "git", "node"} <= set(groups["Machine"])
    assert list(groups["Project"]) == ["project"]
    assert groups["Project"]["project"].status is Status.NOT_APPLICABLE


@pytest.mark.slow
def test_a_project_that_cannot_be_found_where_it_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that points nowhere is a problem."""
    monkeypatch.setenv("DATAFLOW_PROJECT", str(tmp_path))
    assert "DATAFLOW_PROJECT" in problems(examine()[1]["Project"])["project"]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["src/dataflow", "src/dataflow/workflows"])
def test_a_stray_init_file_is_found(folder: str, project: Project) -> None:
    """The file that would hide the library or every workflow is named."""
    (project.root / folder / "__init__.py").touch()
    assert f"{folder}/__init__.py" in around(project)["layout"]


def test_wrong_settings_are_shown(project: Project) -> None:
    """A setting that cannot be is told, and what depends on it is left out."""
    path = project.root / "pyproject.toml"
    path.write_text(path.read_text().replace('data_dir = "data"', "data_directory = 5"))
    assert "data_directory" in around(project)["settings"]


def test_a_port_in_use_is_found(project: Project, tmp_path: Path) -> None:
    """Of another program it is a problem; of one of the project's own it is not."""
    program = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
        "print('ready', flush=True); sys.stdin.read()"
    )
    port = str(project.settings.api_port)
    for folder, is_problem in ((tmp_path, True), (project.root, False)):
        with subprocess.Popen(
            [sys.executable, "-c", program, port],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline()
            found = around(project)
            assert ("ports" in found) is is_problem
            if is_problem:
                assert f"port {port} is in use by process {other.pid}" in found["ports"]
            other.communicate()


def test_one_port_for_two_services_is_found(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both could not be listened on at once."""
    monkeypatch.setenv("DATAFLOW_API_PORT", str(project.settings.dagster_port))
    # A project reads its settings once.
    assert "the same port" in around(Project(project.root))["ports"]


def test_a_full_disk_is_found(project: Project) -> None:
    """A load needs room for the new table beside the old one."""
    project.data_dir.mkdir()
    large = project.warehouse_file("large")
    large.touch()
    # A hole of this size takes no room itself.
    os.truncate(large, shutil.disk_usage(project.root).free)
    assert "a run may need" in around(project)["disk"]
    large.unlink()
    assert "disk" not in around(project)


def test_a_folder_that_cannot_be_written_is_found(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a run fails half-way because of it."""
    if os.geteuid() == 0:
        # Root may write everywhere but here.
        monkeypatch.setenv("DATAFLOW_DATA_DIR", "/proc/self/task")
    else:
        project.data_dir.mkdir(mode=0o500)
    assert " cannot be written: " in around(project)["permissions"]


def test_a_file_in_the_place_of_a_folder_is_found(project: Project) -> None:
    """No folder can be made where there is a file."""
    (project.root / "data").write_text("")
    assert "data is not a folder" in around(project)["permissions"]


def test_a_damaged_warehouse_is_found(project: Project) -> None:
    """A file that DuckDB cannot open is named; good ones, and one in use, are not."""
    project.data_dir.mkdir()
    for name in ("good", "used", "broken"):
        duckdb.connect(str(project.warehouse_file(name))).close()
    broken = project.warehouse_file("broken")
    broken.write_bytes(b"no database" * 1000)
    program = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]);"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, project.warehouse_file("used")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        found = diagnose_project(project)
        other.communicate()
    assert "data/broken.duckdb" in problems(found)["warehouses"]
    assert "good" not in problems(found)["warehouses"]
    assert found["warehouses"].detail == "3 files, 1 in use"


def test_a_damaged_run_history_is_found(project: Project) -> None:
    """A store of Dagster's that cannot be read is named, with what its loss means."""
    folder = project.dagster_home / "history" / "runs"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "index.db") as connection:
        connection.execute("CREATE TABLE event_logs (id INTEGER)")
    connection.close()
    (folder / "1234.db").write_bytes(b"no database" * 1000)
    found = around(project)["run history"]
    assert "1234.db is damaged" in found
    assert "index.db" not in found
    assert "only the history of runs is lost" in found


def test_a_good_run_history_is_counted(project: Project) -> None:
    """A store that can be opened is met; looking at it leaves the schema as it is."""
    from dataflow.runs.instance import open_instance

    with open_instance(project):
        pass
    found = diagnose_project(project)["run history"]
    assert (found.status, found.detail) == (Status.MET, "0 runs")


@pytest.mark.parametrize("name", ["dataflow-runtime[all]", "dataflow-tools"])
def test_a_version_that_the_project_does_not_want_is_found(name: str, project: Project) -> None:
    """What pyproject.toml pins, among its dependencies or in a group, is not what is installed."""
    assert "version pins" not in problems(diagnose_versions(project, offline=True))
    path = project.root / "pyproject.toml"
    distribution = name.partition("[")[0]
    pinned = f"{name}=={version(distribution)}"
    assert pinned in path.read_text()
    path.write_text(path.read_text().replace(pinned, f"{name}==99.1"))
    found = problems(diagnose_versions(project, offline=True))
    assert f"wants {distribution}==99.1" in found["version pins"]


@pytest.mark.slow
def test_a_template_that_has_moved_on_is_found(
    template_repository: Path, tmp_path: Path, dataflow: Dataflow
) -> None:
    """Project and workflows are said to be behind, and how to see what would change."""
    template = shutil.copytree(template_repository, tmp_path / "template")
    made = dataflow("init", "shop", "--template", template, "--defaults", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    project = Project(tmp_path / "shop")
    made = dataflow("workflow", "new", "sales", "--defaults", cwd=project.root)
    assert made.returncode == 0, made.stderr
    commit(project)
    assert problems(diagnose_versions(project, offline=False)) == {}
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["commit", "-qm", "Next", "--allow-empty"], ["tag", "v0.3.0"]):
        subprocess.run(["git", *identity, *command], cwd=template, check=True)
    found = problems(diagnose_versions(project, offline=False))
    assert "is at v0.2.0 of its template, which is at v0.3.0" in found["project template"]
    assert "Behind v0.3.0 of their template: sales" in found["workflow templates"]
    shutil.rmtree(template)
    found = problems(diagnose_versions(project, offline=False))
    assert set(found) == {"project template", "workflow templates"}


@pytest.mark.slow
def test_what_the_workflows_do_not_use_is_not_missed(
    project: Project, render: Callable[..., Path]
) -> None:
    """Models and dashboards need their extras only where a workflow has them."""
    from dataflow_tools.checks.diagnosis import _parts

    assert _parts(project) == set()
    render(project, "bare", **BARE)
    assert _parts(project) == set()
    render(project, "sales", use_evidence=False)
    assert _parts(project) == {"dbt"}
