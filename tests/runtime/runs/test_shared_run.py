"""Runs of two machines that share a store and a history, and no disk."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from tests.driven_project import DrivenProject
from tests.object_store_fixtures import Faults, forget_stores, s3_bucket, s3_faults, s3_server
from tests.service_fixtures import until

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.publish.published_files import published_file
from dataflow.runs.context import RunContext
from dataflow.runs.row_storage import store_rows
from dataflow.runs.shared_run import (
    bring_notes,
    found_here,
    note_models,
    share_step,
)
from dataflow.runs.stored_table import unwritten_rows
from dataflow.runs.table_transform import transformed_table
from dataflow.shared.project import Project
from dataflow.shared.store_address import open_store
from dataflow.stages.apply import apply_stages

__all__ = ["forget_stores", "s3_bucket", "s3_faults", "s3_server"]

CONFIG = """
workflow: {name: Orders, timezone: UTC}
ingestion:
  source: {type: file, url: rows.csv}
  columns: {n: {type: integer}}
  on_change: {bad_value: quarantine}
load: {table: orders, write_disposition: append}
"""
JOB = """
import os, signal, time
from dagster import job, op
from dataflow.authoring import LoadResult, Steps, StoredTable, read_source
from dataflow.shared.config import load_config
from dataflow.shared.project import find_project
from dataflow.workflows.registry import register_workflow

steps = Steps("orders")


def has(name):
    return (find_project().root / name).exists()


def changed(data):
    if has("die in transform"):
        os.kill(os.getpid(), signal.SIGKILL)
    if has("wait in transform"):
        (find_project().root / "waits").touch()
        while not has("go"):
            time.sleep(0.02)
    rows = [{"n": row["n"] * 10} for row in data["data"]]
    return {"data": rows, "metadata": {}}


@op
def extract_orders() -> StoredTable:
    source = load_config("orders")["ingestion"]["source"]
    return steps.extract(lambda params: read_source(source, params))


@op
def transform_orders(extracted: StoredTable) -> StoredTable:
    return steps.transform(changed, extracted)


@op
def load_orders(transformed: StoredTable) -> LoadResult:
    if has("fail in load"):
        raise ValueError("no load here")
    return steps.load(transformed)


@op
def publish_orders(loaded: LoadResult) -> dict:
    return steps.publish(loaded)


@op
def check_orders(published: dict) -> None:
    if has("fail at the end"):
        raise ValueError("no end here")


@job
def orders_job():
    check_orders(publish_orders(load_orders(transform_orders(extract_orders()))))


register_workflow(workflow_id="orders", job=orders_job, description="Orders")
"""
# What recovery does with a run whose process is gone.
END = """
import json
from dataflow.runs.instance import open_instance
from dataflow.shared.project import find_project
with open_instance(find_project()) as instance:
    run = instance.get_runs(limit=1)[0]
    instance.report_run_failed(run, "gone")
print(json.dumps({"run_id": run.run_id}))
"""
FORGET = """
import json
from dataflow.runs.instance import open_instance
from dataflow.runs.retention import forget_old_runs
from dataflow.shared.project import find_project
with open_instance(find_project()) as instance:
    print(json.dumps({"gone": forget_old_runs(find_project(), instance)}))
"""


class Machine(DrivenProject):
    """A copy of one project on one of several machines."""

    def __init__(self, root: Path, store: str, history: Path, settings: str = "") -> None:
        super().__init__(root, "orders")
        (root / "pyproject.toml").write_text(
            f'[tool.dataflow]\nstate_store = "{store}"\n{settings}\n'
        )
        (self.folder / "config.yaml").write_text(CONFIG)
        (self.folder / "dagster_job.py").write_text(JOB)
        query = self.folder / "evidence" / "sources" / "total.sql"
        query.parent.mkdir(parents=True)
        query.write_text("SELECT sum(n) AS n FROM raw.orders")
        (root / ".dagster").mkdir()
        history.mkdir(exist_ok=True)
        (root / ".dagster" / "history").symlink_to(history, target_is_directory=True)

    def rows(self, *values: object) -> None:
        """What the source has, on this machine alone."""
        (self.root / "rows.csv").write_text("n\n" + "".join(f"{value}\n" for value in values))

    def die(self) -> str:
        """Start a run that is killed in its transform; gives its id."""
        (self.root / "die in transform").touch()
        command = [sys.executable, "-c", "import drive; drive.main('')"]
        assert subprocess.run(command, cwd=self.root, capture_output=True).returncode == -9
        return str(self.start(END)["run_id"])

    def seen(self) -> list[int]:
        """The rows that the machine's warehouse shows."""
        with duckdb.connect(str(self.root / "data" / "orders.duckdb"), read_only=True) as opened:
            return [n for (n,) in opened.sql("SELECT n FROM raw.orders ORDER BY 1").fetchall()]

    def dashboard(self) -> int:
        """The number that the machine's dashboards show."""
        folders = SiteFolders.of(Project(self.root))
        named = next(n for n in read_manifest(folders).tables["orders"] if "/total/" in n)
        found = duckdb.read_parquet(str(published_file(folders, named))).fetchone()
        return int(found[0]) if found else 0


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A shared place of each kind."""
    if request.param == "s3":
        return f"{request.getfixturevalue('s3_bucket')}/state"
    (tmp_path / "shared").mkdir()
    return str(tmp_path / "shared")


def stored(store: str) -> set[str]:
    """The names of all files in the shared place."""
    return {each.name for each in open_store(store, "state_store", Path("/")).list()}


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_what_a_step_wrote_is_copied_once_and_again_when_it_changes(
    store: str, tmp_path: Path
) -> None:
    """A step that is tried again writes other rows of the same size under the same name."""
    one = Machine(tmp_path / "one", store, tmp_path / "history")
    run = RunContext(Project(one.root), "orders", "first", None)
    run.folder.mkdir(parents=True)
    rows, shared = run.folder / "extract.parquet", tmp_path / "shared/runs/orders/first"
    rows.write_text("old")
    share_step(run)
    copied = (shared / rows.name).stat().st_ino
    share_step(run)
    assert (shared / rows.name).stat().st_ino == copied
    rows.write_text("new")
    share_step(run)
    assert (shared / rows.name).read_text() == "new"
    assert [path.name for path in shared.iterdir()] == [rows.name]


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_edited_rows_are_found_on_another_machine(store: str, tmp_path: Path) -> None:
    """What makes them is brought there, not what an earlier try of the step has left."""
    one, two = (Machine(tmp_path / name, store, tmp_path / "history") for name in "ab")
    run = RunContext(Project(one.root), "orders", "first", None)
    extracted = store_rows(run, "extract", {"data": [{"n": 1}, {"n": 1}, {"n": 2}]}, run.folder)
    stages = [{"name": "cleaning", "options": {"remove_duplicates": True}}]
    transformed_table(run, extracted, lambda _: {"data": [{"n": 9}]})
    share_step(run)
    handed = transformed_table(run, extracted, lambda data: apply_stages(data, stages))
    share_step(run)
    run.folder.rename(tmp_path / "gone")
    there = RunContext(Project(two.root), "orders", "second", None, resumes="first")
    found = found_here(there, handed)
    assert unwritten_rows(found) is not None
    assert Path(found.extracted).is_relative_to(two.root)
    assert pq.read_table(found.path)["n"].to_pylist() == [1, 2]


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_what_dbt_said_goes_on_with_the_run(store: str, tmp_path: Path) -> None:
    """Who publishes what another machine has built describes its columns, and the next one, too."""
    said = Path(".dataflow/dbt/orders/target/manifest.json")
    machines = [Machine(tmp_path / name, store, tmp_path / "history") for name in "abc"]
    (machines[0].root / said).parent.mkdir(parents=True)
    (machines[0].root / said).write_text("{}")
    built = RunContext(Project(machines[0].root), "orders", "0", None)
    note_models(built)
    share_step(built)
    for number, machine in enumerate(machines[1:]):
        later = RunContext(
            Project(machine.root), "orders", str(number + 1), None, resumes=str(number)
        )
        bring_notes(later)
        share_step(later)
        assert (machine.root / said).read_text() == "{}"


@pytest.mark.slow
@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_a_killed_run_goes_on_elsewhere_with_the_rows_it_had_read(
    store: str, tmp_path: Path
) -> None:
    """The other machine has another source, and no file of the first one; nothing is left over."""
    one = Machine(tmp_path / "one", store, tmp_path / "history")
    two = Machine(tmp_path / "two", store, tmp_path / "history")
    one.rows(1, 2, "x")
    two.rows(7)
    killed = one.die()
    (tmp_path / "one").rename(tmp_path / "away")

    done = two.launch(killed)

    assert (done["success"], done["error"]) == (True, "")
    assert "extract_orders" not in done["steps"]
    assert two.seen() == [10, 20]
    assert two.dashboard() == 30
    with duckdb.connect(str(two.root / "data" / "orders.duckdb"), read_only=True) as opened:
        assert opened.sql("SELECT count(*) FROM rejected.orders").fetchall() == [(1,)]
    left = {name for name in stored(store) if done["run_id"] in name}
    # What it printed stays as long as the history.
    assert {name.split("/")[0] for name in left} == {"logs"}


@pytest.mark.slow
@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_what_was_loaded_elsewhere_is_not_left_out_in_silence(store: str, tmp_path: Path) -> None:
    """The tables of the failed run are in a file of its machine: going on without is refused."""
    one = Machine(tmp_path / "one", store, tmp_path / "history")
    two = Machine(tmp_path / "two", store, tmp_path / "history")
    one.rows(1)
    two.rows(5)
    assert two.launch()["success"]
    (one.root / "fail at the end").touch()
    failed = one.launch()
    assert not failed["success"]

    refused = two.launch(failed["run_id"])

    assert (refused["success"], two.seen()) == (False, [50])
    assert "which this one does not have" in refused["error"]
    (one.root / "fail at the end").unlink()
    assert one.launch(failed["run_id"])["success"]
    assert one.seen() == [10]


@pytest.mark.slow
@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_what_was_staged_elsewhere_is_shown_by_who_ends_the_run(store: str, tmp_path: Path) -> None:
    """With warehouse files that both machines reach, only the last step is done again."""
    shared = f'data_dir = "{tmp_path / "data"}"'
    one = Machine(tmp_path / "one", store, tmp_path / "history", shared)
    two = Machine(tmp_path / "two", store, tmp_path / "history", shared)
    one.rows(1, 2)
    (one.root / "fail at the end").touch()
    failed = one.launch()
    (tmp_path / "one").rename(tmp_path / "away")

    done = two.launch(failed["run_id"])

    assert (done["success"], done["steps"]) == (True, ["check_orders"])
    assert two.dashboard() == 30


@pytest.mark.slow
@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_runs_that_are_forgotten_leave_the_store(store: str, tmp_path: Path) -> None:
    """What failed runs left goes with their history, on whichever machine they ran."""
    settings = "history_runs = 1"
    one = Machine(tmp_path / "one", store, tmp_path / "history", settings)
    one.rows(1)
    (one.root / "fail in load").touch()
    failed = one.launch()
    assert {name for name in stored(store) if failed["run_id"] in name}
    (one.root / "fail in load").unlink()
    assert one.launch()["success"]
    two = Machine(tmp_path / "two", store, tmp_path / "history", settings)
    assert two.start(FORGET)["gone"] == [failed["run_id"]]
    assert not {name for name in stored(store) if failed["run_id"] in name}


@pytest.mark.slow
def test_a_store_that_is_away_fails_a_run_with_one_message(
    s3_faults: Faults, s3_bucket: str, tmp_path: Path
) -> None:
    """The tables of the last good run stay, and the next run is a whole one."""
    target = f'publish_target = "{s3_bucket}/site"'
    one = Machine(tmp_path / "one", f"{s3_bucket}/state", tmp_path / "history", target)
    one.rows(1)
    assert one.run()["success"]
    one.rows(2)
    s3_faults.stop()
    at_once = one.run()
    s3_faults.start()
    (one.root / "wait in transform").touch()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(one.run)
        until((one.root / "waits").exists, "the transform")
        s3_faults.stop()
        (one.root / "go").touch()
        for failed in (at_once, under_way.result()):
            assert not failed["success"]
            assert "cannot be reached" in json.dumps(failed)
            assert "Traceback" not in "".join(str(step["error"]) for step in failed["steps"])
    s3_faults.start()
    assert (one.seen(), one.dashboard()) == ([10], 10)
    assert one.run()["success"]
    assert (one.seen(), one.dashboard()) == ([10, 20], 30)
