"""Building a workflow's dbt project in this process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dataflow.modelling.build import ModelError, build_models
from dataflow.shared.project import Project
from dataflow.warehouse.database import WarehouseError
from dataflow.warehouse.kind import open_warehouse


@pytest.fixture
def project(project_folder: Path, workflow_folder: Path) -> Project:
    """A project whose workflow `sales` has its raw table, as a load leaves it."""
    (project_folder / "data").mkdir()
    sample = workflow_folder / "tests" / "data" / "sample.json"
    with duckdb.connect(str(project_folder / "data" / "sales.duckdb")) as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute(
            f"CREATE TABLE raw.sales AS SELECT *, now() AS processed_at FROM '{sample}'"
        )
    return Project(project_folder)


@pytest.mark.slow
def test_models_are_built_and_tested_and_the_file_is_let_go(project: Project) -> None:
    """The result names the models, and another process can open the warehouse at once."""
    lines: list[str] = []
    result = build_models(project, "sales", open_warehouse(project, "sales"), lines.append)
    assert result.models == ["staging.stg_sales", "marts.sales"]
    assert result.tests == 6
    assert any("stg_sales [OK in" in line for line in lines)
    code = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1]);"
        "print(connection.sql('SELECT count(*) FROM marts.sales').fetchall())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, project.warehouse_file("sales")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[(6,)]\n"


def test_a_model_that_does_not_build_is_named_with_file_and_reason(project: Project) -> None:
    """The database's own words are in the error; dbt's banner is not."""
    model = project.workflow_dir("sales") / "dbt" / "models" / "marts" / "sales.sql"
    model.write_text("select no_such_column from {{ ref('stg_sales') }}\n")
    with pytest.raises(ModelError) as caught:
        build_models(project, "sales", open_warehouse(project, "sales"))
    assert "dbt/models/marts/sales.sql" in caught.value.reason
    assert "no_such_column" in caught.value.reason
    assert "Runtime Error in model" not in caught.value.reason
    log = project.state_dir / "dbt" / "sales" / "logs" / "dbt.log"
    assert project.relative(log) in caught.value.instruction
    assert "no_such_column" in log.read_text()


def test_a_project_that_dbt_cannot_read_is_an_error_of_ours(project: Project) -> None:
    """A model that refers to nothing fails the build with dbt's explanation."""
    model = project.workflow_dir("sales") / "dbt" / "models" / "marts" / "sales.sql"
    model.write_text("select * from {{ ref('nothing') }}\n")
    with pytest.raises(ModelError, match="nothing"):
        build_models(project, "sales", open_warehouse(project, "sales"))


# Opens a file, says so, and lets go of it after some seconds.
HOLD = (
    "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]); print('open', flush=True);"
    "time.sleep(float(sys.argv[2]))"
)


@pytest.mark.parametrize(("seconds", "patience"), [("12", 60.0), ("600", 0.5)])
def test_a_program_that_has_the_file_open_is_waited_for(
    project: Project, seconds: str, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the models are built; one that does not let go is named, and no model is blamed."""
    monkeypatch.setattr("dataflow.warehouse.database._PATIENCE_SECONDS", patience)
    database, warehouse = project.warehouse_file("sales"), open_warehouse(project, "sales")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, database, seconds], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            if patience > 1:
                assert build_models(project, "sales", warehouse).tests == 6
            else:
                with pytest.raises(WarehouseError, match=str(holder.pid)):
                    build_models(project, "sales", warehouse)
        finally:
            holder.kill()
