"""`dataflow workflow run --config ... --partition ...`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import Dataflow
from tests.service_fixtures import write_project

from dataflow.cli.run_config import read_run_config
from dataflow.shared.errors import BadInputError

JOB = """
from dagster import *
from dataflow.workflows.registry import register_workflow


class Shop(ConfigurableResource):
    name: str


class Wanted(Config):
    day: str
    rows: int = 1


shop = Shop(name="corner shop")


@op
def note(context: OpExecutionContext, config: Wanted, shop: Shop) -> str:
    key = context.partition_key if context.has_partition_key else "all"
    with open("noted", "a") as file:
        file.write(f"{shop.name} {config.day} {config.rows} {key}\\n")
    return key


@job(PARTITIONS)
def own_job():
    note()


register_workflow(workflow_id="own", job=own_job)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


def write(root: Path, partitions: str = "") -> None:
    folder = root / "src" / "dataflow" / "workflows" / "own"
    folder.mkdir(parents=True)
    (folder / "dagster_job.py").write_text(JOB.replace("PARTITIONS", partitions))


def noted(root: Path) -> list[str]:
    path = root / "noted"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.slow
def test_config_reaches_the_ops_and_what_does_not_fit_is_named(
    root: Path, dataflow: Dataflow
) -> None:
    """As text or as a file; a job that needs one, a wrong key and a wrong type start nothing."""
    write(root)
    needs = dataflow("workflow", "run", "own", cwd=root)
    assert needs.returncode == 2
    assert "day" in needs.stderr
    for wrong, said in (
        ("{ops: {note: {config: {day: a, dya: b}}}}", "dya"),
        ("{ops: {note: {config: {day: [1]}}}}", "day"),
        ("{ops: {nota: {config: {day: a}}}}", "nota"),
        ("{op: {}}", "op"),
    ):
        refused = dataflow("workflow", "run", "own", "--config", wrong, cwd=root)
        assert refused.returncode == 2, refused.stdout
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    assert noted(root) == []
    text = "{ops: {note: {config: {day: 2024-01-31, rows: 7}}}}"
    assert dataflow("workflow", "run", "own", "--config", text, cwd=root).returncode == 0
    (root / "run.yaml").write_text("ops:\n  note:\n    config:\n      day: monday\n")
    ran = dataflow("workflow", "run", "own", "--config", "run.yaml", "--json", cwd=root)
    assert json.loads(ran.stdout)["success"]
    assert noted(root) == ["corner shop 2024-01-31 7 all", "corner shop monday 1 all"]


@pytest.mark.slow
def test_a_partitioned_job_runs_for_one_partition(root: Path, dataflow: Dataflow) -> None:
    """Its key is listed where it is missing or wrong; the job's own config for it is used."""
    config = "{'ops': {'note': {'config': {'day': 'of ' + key}}}}"
    write(root, f"config=static_partitioned_config(['north', 'south'])(lambda key: {config})")
    missing = dataflow("workflow", "run", "own", cwd=root)
    assert missing.returncode == 2
    assert "There are: north, south." in missing.stderr
    wrong = dataflow("workflow", "run", "own", "--partition", "nort", cwd=root)
    assert wrong.returncode == 2
    assert "Did you mean `north`?" in wrong.stderr
    assert noted(root) == []
    ran = dataflow("workflow", "run", "own", "--partition", "north", cwd=root)
    assert ran.returncode == 0, ran.stderr
    text = "{ops: {note: {config: {rows: 3}}}}"
    ran = dataflow("workflow", "run", "own", "--partition", "south", "--config", text, cwd=root)
    assert ran.returncode == 0, ran.stderr
    assert noted(root) == ["corner shop of north 1 north", "corner shop of south 3 south"]


@pytest.mark.slow
def test_a_job_without_partitions_has_none(root: Path, dataflow: Dataflow) -> None:
    """A partition that is named all the same is refused."""
    write(root)
    refused = dataflow("workflow", "run", "own", "--partition", "north", cwd=root)
    assert refused.returncode == 2
    assert "has no partitions" in refused.stderr


@pytest.mark.parametrize("given", ["no-such-file.yaml", "nothing", "{ops: [", "[1]", "a: 1\na: 2"])
def test_what_is_no_run_config_is_refused(given: str) -> None:
    """No file, no YAML, no mapping."""
    with pytest.raises(BadInputError):
        read_run_config(given)
