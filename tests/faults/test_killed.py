"""kill -9 of a run, at each boundary between its steps and in the middle of each step."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.faults.conftest import Shop

pytestmark = pytest.mark.slow

STEPS = "dataflow.runs.steps:Steps"
LOAD = "dataflow.warehouse.load"
STATES = "dataflow.warehouse.states"
EXECUTOR = "dataflow.runs.executor"
MANIFEST = "dataflow.publish.manifest"
SQL = "dbt.adapters.sql.connections:SQLConnectionManager.add_query"
RENAME = "pathlib:Path.replace"

BEFORE = [(1, 1.0), (2, 1.0), (3, 1.0)]
AFTER = [(number, 1.0) for number in range(1, 7)]


def at(target: str, when: str = "before", call: int = 1, matching: str = "") -> dict[str, Any]:
    """What kills a run at a call of a function."""
    return {
        "target": target,
        "call": call,
        "when": when,
        "action": "kill",
        "matching": matching,
    }


# Where the run dies before anything of it can be seen.
UNSEEN = {
    "before extract": at(f"{STEPS}.extract"),
    "while the extract is written": at(RENAME, matching="extract.parquet"),
    "after extract": at(f"{STEPS}.extract", "after"),
    "before transform": at(f"{STEPS}.transform"),
    "after transform": at(f"{STEPS}.transform", "after"),
    "before load": at(f"{STEPS}.load"),
    "before the copy is made": at(f"{STATES}:copy_file"),
    "when the copy is made": at(f"{STATES}:copy_file", "after"),
    "before the load commits": at(f"{LOAD}:count_rows", "after"),
    "when the load has committed": at("dataflow.runs.steps:tell_of_loaded_tables"),
    "after load": at(f"{STEPS}.load", "after"),
    "before model": at(f"{STEPS}.model"),
    "while dbt makes the staging model": at(SQL, matching="stg_sales__dbt_tmp"),
    "while dbt makes the mart": at(SQL, "after", matching="sales__dbt_tmp", call=4),
    "while dbt tests": at(SQL, matching="not_null"),
    "after model": at(f"{STEPS}.model", "after"),
    "before publish": at(f"{STEPS}.publish"),
    "while a table is written": at("dataflow.publish.parquet:_settle"),
    "after publish": at(f"{STEPS}.publish", "after"),
    "before the end": at(f"{EXECUTOR}:promote_run"),
    "between two files of the dashboards": at(RENAME, matching="sales_daily.parquet"),
    "before the copy is sealed": at(f"{STATES}:DuckDBStates._seal"),
    "when the copy is sealed": at(f"{STATES}:DuckDBStates._seal", "after"),
    "when the present state is kept": at(f"{STATES}:DuckDBStates._keep", "after"),
    "before the file is replaced": at(RENAME, matching="working/sales.duckdb"),
}
# Where all of it can be seen.
SEEN = {
    "when the manifest is replaced": at(f"{MANIFEST}:_sweep"),
    "after the end": at(f"{EXECUTOR}:promote_run", "after"),
}
# Between two renames: the tables are new, and the dashboards, old and whole, follow.
BETWEEN = {
    "when the file is replaced": at(RENAME, "after", matching="working/sales.duckdb"),
    "before the manifest is replaced": at(RENAME, matching="manifest."),
}


@pytest.mark.parametrize("place", UNSEEN)
def test_a_killed_run_changes_nothing(shop: Shop, place: str) -> None:
    """File and dashboards are the same byte for byte; the next run adds each row once."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    shop.write_rows(4, 5, 6)
    before = shop.seen()
    assert shop.run(hooks=[UNSEEN[place]]).code == -9
    assert shop.seen() == before
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == AFTER


@pytest.mark.parametrize("place", [*SEEN, *BETWEEN])
def test_a_run_killed_at_its_end_is_whole(shop: Shop, place: str) -> None:
    """It counts as done: the next run does not add its rows again, and shows what it did not."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    shop.write_rows(4, 5, 6)
    assert shop.run(hooks=[{**SEEN, **BETWEEN}[place]]).code == -9
    assert shop.raw() == shop.mart() == AFTER
    assert shop.published() == (AFTER if place in SEEN else BEFORE)
    # Only what is left of the end is done, before its first step.
    assert shop.run(hooks=[at(f"{STEPS}.extract")]).code == -9
    assert shop.raw() == shop.mart() == shop.published() == AFTER
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == AFTER


def test_a_failed_dbt_test_changes_nothing(shop: Shop) -> None:
    """Raw table, staging view, mart, watermark and dashboards are those of the last good run."""
    before = shop.seen()
    # The key is in there twice, which the load does not mind and dbt's test does.
    shop.write_rows(4, 4, 5)
    shop.configure("remove_duplicates: true", "remove_duplicates: false")
    told = shop.run()
    told.is_told("unique", "those of the last good run", "data/.runs/sales/working/sales.duckdb")
    assert shop.seen() == before
    # Who wants to know which rows it were finds them.
    work = shop.root / "data" / ".runs" / "sales" / "working" / "sales.duckdb"
    with duckdb.connect(str(work), read_only=True) as connection:
        assert connection.sql("SELECT id FROM raw.sales ORDER BY 1").fetchall() == [
            (4,),
            (4,),
            (5,),
        ]
    shop.write_rows(4, 5)
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == [(4, 1.0), (5, 1.0)]
    assert not work.exists()


@pytest.mark.parametrize("write_disposition", ["merge", "replace"])
@pytest.mark.parametrize("place", ["inside", "after"])
def test_a_load_is_whole_or_not_there(shop: Shop, write_disposition: str, place: str) -> None:
    """Killed in the transaction or after it: a merge doubles, a replace empties nothing."""
    shop.configure("write_disposition: replace", f"write_disposition: {write_disposition}")
    shop.write_rows(3, 4, amount=2.0)
    new = [(3, 2.0), (4, 2.0)]
    after = new if write_disposition == "replace" else [*BEFORE[:2], *new]
    inside = at(f"{LOAD}:count_rows", "after")
    hook = inside if place == "inside" else at("dataflow.runs.steps:tell_of_loaded_tables")
    assert shop.run(hooks=[hook]).code == -9
    assert shop.raw() == shop.mart() == shop.published() == BEFORE
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == after


def test_a_run_killed_at_any_moment_loses_and_doubles_nothing(shop: Shop) -> None:
    """At moments that nobody chose, one run after another, all of them of the same new rows."""
    shop.configure("write_disposition: replace", "write_disposition: append")
    shop.write_rows(4, 5)
    began = time.monotonic()
    shop.run_well()
    length = time.monotonic() - began
    before = shop.raw()
    shop.write_rows(6)
    moments = random.Random(6)  # noqa: S311
    for _ in range(6):
        run = shop.start()
        if not run.has_ended.wait(moments.uniform(0.1, 0.95) * length):
            run.kill()
        assert shop.raw() == shop.mart()
        assert shop.raw() in (before, AFTER)
        assert shop.published() in (before, AFTER)
        if run.code == 0 or shop.raw() == AFTER:
            # Killed when all of it was there to be seen, it was done: another would add them again.
            break
    else:
        shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == AFTER


@pytest.mark.parametrize(("call", "when"), [(1, "before"), (2, "after"), (3, "before")])
def test_a_first_run_killed_while_it_makes_its_history_leaves_one_that_opens(
    shop: Shop, call: int, when: str
) -> None:
    """Half-made tables of Dagster's stores are made whole by the next run."""
    shutil.rmtree(shop.root / ".dagster")
    hook = at("dagster._core.storage.sql:stamp", when, call)
    assert shop.run(hooks=[hook]).code == -9
    shop.run_well()


def test_a_power_cut_finds_a_manifest_only_with_its_files(shop: Shop, tmp_path: Path) -> None:
    """Content, then names, then the manifest: each is on the disk before the next can be seen."""
    shop.write_rows(4)
    trace = tmp_path / "trace"
    shop.run_well(trace=trace)
    events = [tuple(json.loads(line)) for line in trace.read_text().splitlines()]
    data = shop.public / "data"
    manifest = str(data / "manifest.json")
    moments = [n for n, (what, *paths) in enumerate(events) if paths[-1] == manifest]
    assert moments
    files = json.loads(Path(manifest).read_text())["renderedFiles"]["sales"]
    published = [shop.public / name.removeprefix("static/") for name in files]
    for moment in moments:
        what, aside, _ = events[moment]
        assert what == "os.rename"
        assert ("fsync", aside) in events[:moment]
        assert ("fsync", str(data)) in events[moment:]
    before = events[: moments[0]]
    for file in published:
        (renamed,) = (n for n, event in enumerate(before) if event[-1] == str(file))
        assert ("fsync", before[renamed][1]) in before[:renamed]
        for folder in file.parents:
            if folder.is_relative_to(data):
                assert ("fsync", str(folder)) in before[renamed:], folder
