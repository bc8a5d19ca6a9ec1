"""What the services of a project consist of."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.service_fixtures import write_project

from dataflow.runs.place import LocalStateError
from dataflow.service.services import plan_service
from dataflow.shared.project import Project


@pytest.mark.parametrize(
    "module", ["dataflow.runs.code_location", "dataflow.orchestration.definitions"]
)
def test_the_projects_own_location_is_loaded_once(tmp_path: Path, module: str) -> None:
    """On the shared code server, whatever version made workspace.yaml; a team's own ones stay."""
    root = write_project(tmp_path / "shop")
    theirs = {"python_file": "other.py"}
    for named in ({"module_name": module}, module):
        mine = {"python_module": named}
        (root / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [mine, theirs]}))
        service = plan_service(Project(root), "dagster", "127.0.0.1", tmp_path)
        workspace = yaml.safe_load((tmp_path / "workspace.yaml").read_text())
        (shared, kept) = workspace["load_from"]
        assert shared["grpc_server"]["location_name"] == "dataflow"
        assert kept == theirs
    homes = {process.environment["DAGSTER_HOME"] for process in service.processes}
    assert homes == {str(root / ".dagster")}
    assert all(process.environment["DATAFLOW_API_TOKEN"] is None for process in service.processes)


def test_dagster_does_not_start_where_no_run_could(tmp_path: Path) -> None:
    """A launcher of other hosts with tables of this one is refused, before any run waits."""
    root = write_project(tmp_path / "shop")
    with (root / "pyproject.toml").open("a") as file:
        file.write('launcher = {type = "celery", broker = "redis://host"}\n')
    with pytest.raises(LocalStateError, match="the tables"):
        plan_service(Project(root), "dagster", "127.0.0.1", tmp_path)
