"""The steps of a rendered job."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance
from tests.conftest import Dataflow

pytestmark = pytest.mark.slow


def rows(project: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(project / "data" / "sales.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_steps_hand_each_other_files_and_clear_up(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """After a run that went well no step file is left; Dagster's storage has no tables."""
    assert dataflow("workflow", "run", "sales", cwd=project_folder).returncode == 0
    assert list((project_folder / ".dataflow" / "runs").rglob("*.parquet")) == []
    stored = [
        path for path in (project_folder / ".dagster" / "storage").rglob("*") if path.is_file()
    ]
    assert all(path.stat().st_size < 100_000 for path in stored if path.suffix != ".db")


def test_an_incremental_source_goes_on_where_the_last_run_ended(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """What extract_data says it read last is what it is told at the next run."""
    config = workflow_folder / "config.yaml"
    text = config.read_text()
    start, _, rest = text.partition("  source:\n")
    _, _, rest = rest.partition("  parameters:\n")
    source = (
        "  source:\n    type: database\n    url: data/in.duckdb\n    table: sales\n"
        "    incremental: {column: id}\n  parameters:\n"
    )
    config.write_text(
        (start + source + rest).replace("write_disposition: replace", "write_disposition: append")
    )
    (project_folder / "data").mkdir()
    sample = workflow_folder / "tests" / "data" / "sample.json"
    with duckdb.connect(str(project_folder / "data" / "in.duckdb")) as connection:
        connection.execute(f"CREATE TABLE sales AS SELECT * FROM '{sample}' WHERE id <= 4")
    first = dataflow("workflow", "run", "sales", "--json", cwd=project_folder)
    with duckdb.connect(str(project_folder / "data" / "in.duckdb")) as connection:
        connection.execute(f"INSERT INTO sales SELECT * FROM '{sample}' WHERE id > 4")
    second = dataflow("workflow", "run", "sales", "--json", cwd=project_folder)
    third = dataflow("workflow", "run", "sales", "--json", cwd=project_folder)
    extracted = [json.loads(ran.stdout)["steps"][0]["rows"] for ran in (first, second, third)]
    assert extracted == [4, 2, 0]
    assert rows(project_folder, "SELECT count(*), count(DISTINCT id) FROM raw.sales") == [(6, 6)]


def test_a_function_that_returns_no_data_is_told_what_to_return(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """A forgotten return statement is explained, not traced."""
    (workflow_folder / "transform.py").write_text("def transform_data(data):\n    pass\n")
    failed = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert failed.returncode == 1
    assert 'transform_data of sales returned NoneType without "data"' in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_run_marks_the_assets_that_it_made(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """The keys of the events are the keys in assets.py, so the lineage shows when each was made."""
    assert dataflow("workflow", "run", "sales", cwd=project_folder).returncode == 0
    with DagsterInstance.from_config(str(project_folder / ".dagster")) as instance:
        made = {key.to_user_string() for key in instance.get_asset_keys()}
    assert made == {
        "sales/source",
        "sales/raw/sales",
        "sales/staging/stg_sales",
        "sales/marts/sales",
        "sales/dashboard",
    }
    text = (workflow_folder / "assets.py").read_text()
    assert all(f'"{key.rpartition("/")[2]}"' in text for key in made)


def test_lines_of_dbt_belong_to_the_run(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """Lines that dbt reports from threads of its own carry the run all the same."""
    ran = dataflow(
        "workflow", "run", "sales", "-v", cwd=project_folder, env={"DATAFLOW_LOG_FORMAT": "json"}
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    of_dbt = [line for line in lines if "stg_sales [OK in" in line["event"]]
    assert [line["workflow"] for line in of_dbt] == ["sales"]
    assert {line["run_id"] for line in lines} == {of_dbt[0]["run_id"]}
    with DagsterInstance.from_config(str(project_folder / ".dagster")) as instance:
        records = instance.all_logs(of_dbt[0]["run_id"])
    assert any("stg_sales [OK in" in record.user_message for record in records)
