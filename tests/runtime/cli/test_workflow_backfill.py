"""`dataflow workflow backfill`: models once, what was lost, and what is left after Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import BIN, Dataflow

from dataflow.cli.backfill_lines import TimeLeft, again_command, rest_command

PARTITION = "  partition: {by: day, start: 2024-01-01, column: day}"
DAYS = ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_the_commands_that_go_on_name_what_is_left() -> None:
    """Few by their keys, many as those that are missing; keys are quoted as a shell wants it."""
    assert again_command("sales", ["a b"], "--remote") == (
        "dataflow workflow backfill sales --partition 'a b' --remote"
    )
    assert again_command("sales", list("abcdefghijk")) == (
        "dataflow workflow backfill sales --missing"
    )
    assert rest_command("sales", ["a", "b", "c"], "--missing") == (
        "dataflow workflow backfill sales --from a --to c --missing"
    )
    assert TimeLeft(3).after(0) == ""
    assert TimeLeft(3).after(2).endswith(" left")


@pytest.mark.slow
def test_models_are_built_once_and_what_was_lost_is_missing(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """One run for each partition, then one for the models; a restored state lacks partitions."""

    def run(*options: str) -> str:
        ran = dataflow("workflow", *options, cwd=project_folder)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    rows = "".join(f"{number},{day}\n" for number, day in enumerate(DAYS))
    (project_folder / "sales.csv").write_text(f"id,day\n{rows}")
    run("new", "sales", "--source", "sales.csv", "-d", "use_evidence=false")
    config = project_folder / "src" / "dataflow" / "workflows" / "sales" / "config.yaml"
    config.write_text(config.read_text().replace("workflow:", f"workflow:\n{PARTITION}", 1))

    span = ("backfill", "sales", "--to", DAYS[-1])
    told: list[dict[str, Any]] = [
        json.loads(line) for line in run(*span, "--models-once", "--json").splitlines()
    ]
    assert [(each["partition"], each["success"]) for each in told] == [
        *((day, True) for day in DAYS),
        (None, True),
    ]
    database = project_folder / "data" / "sales.duckdb"
    with duckdb.connect(str(database), read_only=True) as found:
        assert found.sql("SELECT count(*) FROM marts.sales").fetchall() == [(3,)]
    assert run(*span, "--missing", "--dry-run") == "Nothing is missing.\n"
    # All of it is one state: what comes between its runs does not take the place of earlier ones.
    run("run", "sales", "--partition", DAYS[0], "--full-refresh")
    refreshed = json.loads(run("run", "sales", "--partition", DAYS[1], "--json"))["run_id"]
    run(*span)
    states = run("restore", "sales")
    assert refreshed in states
    assert told[-1]["run_id"] not in states
    run("restore", "sales", "--run", refreshed)
    assert run(*span, "--missing", "--dry-run").split() == DAYS[2:]

    going = subprocess.Popen(
        [BIN / "dataflow", "workflow", *span],
        cwd=project_folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert going.stdout is not None
    while DAYS[0] not in going.stdout.readline():
        assert going.poll() is None
    going.send_signal(signal.SIGINT)
    said = going.communicate(timeout=60)[1]
    assert going.returncode == 130, said
    assert "Stopped after 1 of 3 partitions; 2 are left" in said
    assert "backfill sales --from 2024-01-02 --to 2024-01-03" in said
