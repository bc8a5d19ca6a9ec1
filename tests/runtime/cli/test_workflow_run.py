"""`dataflow workflow run`, as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import duckdb
import pytest
from tests.conftest import BIN, Dataflow

pytestmark = pytest.mark.slow


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def state(project: Path) -> list[Path]:
    kept = (project / name for name in ("data", ".dagster", ".dataflow"))
    return sorted(
        path for folder in kept for path in folder.rglob("*") if path.name != "config.schema.json"
    )


def test_a_new_workflow_runs_the_whole_way(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """Without an edit: every step is reported with what it did, and the tables are there."""
    ran = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:6]] == [
        "extract",
        "transform",
        "load",
        "model",
        "publish",
    ]
    assert "6 rows into raw.sales" in lines[3]
    assert "2 models, 6 tests passed" in lines[4]
    assert lines[6].startswith("Done in ")
    assert "data/sales.duckdb" in ran.stdout
    with duckdb.connect(
        str(project_folder / "data" / "sales.duckdb"), read_only=True
    ) as connection:
        assert connection.sql("SELECT count(*) FROM marts.sales").fetchall() == [(6,)]


def test_every_fault_of_a_config_is_one_line_and_nothing_is_written(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """A misspelt key, a letter for a number, a bad cron and an unset variable, in one answer."""
    config = workflow_folder / "config.yaml"
    replace(config, "max_retries: 3", "max_retires: 3\n    max_retries: R")
    replace(config, "0 6 * * *", "0 6 * * 9")
    replace(config, "batch_size: 10000", "batch_size: ${SALES_BATCH_SIZE}")
    refused = dataflow("workflow", "run", "sales", cwd=project_folder)
    path = "src/dataflow/workflows/sales/config.yaml"
    faults = refused.stderr.splitlines()
    assert refused.returncode == 2
    assert faults[0].startswith(f"Error: {path}:5: workflow.schedule:")
    assert faults[1].startswith(f"{path}:14: ingestion.parameters.batch_size:")
    assert "SALES_BATCH_SIZE" in faults[1]
    assert faults[2].startswith(f"{path}:15: ingestion.parameters.max_retires:")
    assert "did you mean `max_retries`?" in faults[2]
    assert faults[3].startswith(f'{path}:16: ingestion.parameters.max_retries: "R"')
    assert len(faults) == 5
    assert state(project_folder) == []


def test_an_unknown_name_is_answered_with_the_nearest(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """Exit code 2 and a suggestion; nothing is started."""
    refused = dataflow("workflow", "run", "sale", cwd=project_folder)
    assert refused.returncode == 2
    assert "Did you mean 'sales'?" in refused.stderr
    assert refused.stdout == ""


def test_a_failing_dbt_test_fails_the_run_and_keeps_what_was_published(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """The test is named with its file, the exit code is 1, and the dashboards' data stay."""
    assert dataflow("workflow", "run", "sales", cwd=project_folder).returncode == 0
    published = sorted((project_folder / ".dataflow").rglob("*.parquet"))
    staging = workflow_folder / "dbt" / "models" / "staging" / "_staging.yml"
    replace(staging, '"music"', '"cinema"')
    replace(staging, "severity: warn", "severity: error")
    failed = dataflow("workflow", "run", "sales", cwd=project_folder)
    assert failed.returncode == 1
    assert "accepted_values_stg_sales_category" in failed.stderr
    assert "src/dataflow/workflows/sales/dbt/models/staging/_staging.yml" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert all(path.exists() for path in published)


def test_json_is_for_machines(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """--json prints the outcome and nothing else on standard output."""
    ran = dataflow("workflow", "run", "sales", "--json", cwd=project_folder)
    outcome = json.loads(ran.stdout)
    assert outcome["success"]
    assert [step["rows"] for step in outcome["steps"]][:3] == [6, 6, 6]


def test_a_run_whose_output_nobody_reads_to_its_end_is_made(
    project_folder: Path, workflow_folder: Path
) -> None:
    """Behind `| head -1`, say: what is told is lost, and the tables are there."""
    ran = subprocess.Popen(
        [BIN / "dataflow", "workflow", "run", "sales"],
        cwd=project_folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert ran.stdout
    assert ran.stderr
    assert ran.stdout.readline().startswith("Running sales")
    ran.stdout.close()
    told = ran.stderr.read()
    ran.wait(120)
    assert "Traceback" not in told, told
    database = str(project_folder / "data" / "sales.duckdb")
    with duckdb.connect(database, read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM raw.sales").fetchall() == [(6,)]


def test_ctrl_c_ends_a_run_and_the_history_knows(
    project_folder: Path, workflow_folder: Path
) -> None:
    """The exit code is the shell's for Ctrl-C, and no traceback is shown."""
    replace(
        workflow_folder / "transform.py",
        "    stages =",
        '    print("waiting", flush=True)\n    input()\n    stages =',
    )
    with subprocess.Popen(
        [BIN / "dataflow", "workflow", "run", "sales"],
        cwd=project_folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "waiting\n":
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped by Ctrl-C" in err
    assert "Traceback" not in err


def test_the_workflow_finds_its_project_from_a_subfolder(
    project_folder: Path, workflow_folder: Path, dataflow: Dataflow
) -> None:
    """A person standing in the workflow's folder runs it all the same."""
    ran = dataflow("workflow", "run", "sales", cwd=workflow_folder)
    assert ran.returncode == 0, ran.stderr
