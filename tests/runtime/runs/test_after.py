"""A workflow whose models read the tables of another one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dagster import AssetKey
from tests.asset_fixtures import write_report, write_till
from tests.runtime.runs.location_fixtures import build

from dataflow.modelling.project_files import graph_of_files
from dataflow.modelling.upstream_sources import UpstreamError, tell_of_upstreams
from dataflow.shared.project import Project
from dataflow.warehouse.upstream_tables import (
    attach_upstream_tables,
    hold_upstream_tables,
    upstream_tables,
)


def test_the_lineage_goes_from_one_workflow_to_the_next(tmp_path: Path) -> None:
    """By what the models read; where they read nothing of it, the sources come after it."""
    till = write_till(tmp_path / "shop")
    folder = write_report(till)
    mart = AssetKey(["till", "marts", "sales"])
    graph = build(till.root).resolve_asset_graph()
    assert graph.get(AssetKey(["report", "staging", "stg_sales"])).parent_keys == {mart}
    assert graph.get(AssetKey(["report", "source"])).parent_keys == set()
    (folder / "dbt" / "models" / "staging" / "stg_sales.sql").write_text("select 1 as id")
    graph = build(till.root).resolve_asset_graph()
    assert graph.get(AssetKey(["report", "source"])).parent_keys == {mart}


def test_a_run_reads_one_state_of_another_workflow_to_its_end(tmp_path: Path) -> None:
    """Another file in the place of the first, as the end of a run puts it, changes nothing."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    project = Project(tmp_path)
    live = project.warehouse_file("till")
    live.parent.mkdir()

    def write(path: Path, value: int) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE sales AS SELECT {value} AS n")

    def read() -> object:
        with duckdb.connect() as connection:
            attach_upstream_tables(connection, upstream_tables(project, "report", ["till"]))
            return connection.execute("SELECT n FROM till.main.sales").fetchone()

    write(live, 1)
    hold_upstream_tables(project, "report", ["till"])
    write(tmp_path / "till.duckdb", 2)
    (tmp_path / "till.duckdb").replace(live)
    assert read() == (1,)
    hold_upstream_tables(project, "report", ["till"])
    assert read() == (2,)


def test_a_workflow_that_has_to_run_first_is_named(tmp_path: Path) -> None:
    """Where models read its tables, and it has made none."""
    till = write_till(tmp_path / "shop")
    folder = write_report(till) / "dbt"
    files = upstream_tables(Project(till.root), "report", ["till"])
    with pytest.raises(UpstreamError, match="reads sales of the workflow 'till', which has no"):
        tell_of_upstreams(folder, files, graph_of_files(folder))


@pytest.mark.slow
def test_models_read_the_tables_of_the_workflow_before(tmp_path: Path) -> None:
    """A view and a table of them are made and published, and no file of the workflow is touched."""
    till = write_till(tmp_path / "shop")
    folder = write_report(till)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert till.run()["success"]
    run = till.run_report()
    assert run["success"], run
    with duckdb.connect(str(till.root / "data" / "report.duckdb"), read_only=True) as connection:
        bought = connection.execute("FROM marts.bought ORDER BY ALL").fetchall()
        noted = connection.execute("FROM dataflow.upstream_columns").fetchall()
    assert [(name, str(amount)) for name, amount in bought] == [("Ann", "1.50"), ("Bob", "2.50")]
    assert ("till", "marts", "sales", "amount", "DECIMAL(12,2)") in noted
    assert not list((till.root / "data" / ".runs" / "report").glob("upstream/*"))
    assert {path: path.read_bytes() for path in before} == before
