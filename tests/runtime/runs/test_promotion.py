"""The end of a run, however its steps are executed and whatever ops its job has."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.driven_project import DrivenProject
from tests.runtime.runs.stall import Stall

from dataflow.publish.folders import SiteFolders
from dataflow.publish.kind import PublishRequest, stage
from dataflow.publish.manifest import read_manifest
from dataflow.runs.dagster_names import BACKFILL_TAG, DAGSTER_BACKFILL_TAG
from dataflow.runs.promotion import (
    _journal,
    _write,
    finish_interrupted_promotion,
    follows_in_backfill,
)
from dataflow.warehouse.kind import visible_warehouse

CONFIG = """
workflow: {name: Orders, schedule: "0 0 * * *", timezone: UTC}
ingestion:
  source: {type: file, url: rows.csv}
load: {table: orders, write_disposition: append}
"""
# An author's job: some of the steps, and ops of their own before and after the load.
JOB = """
from dagster import Out, Nothing, In, in_process_executor, job, multiprocess_executor, op
from dataflow.authoring import LoadResult, Steps, StoredTable, open_warehouse, read_source
from dataflow.shared.config import load_config
from dataflow.shared.project import find_project
from dataflow.workflows.registry import register_workflow

steps = Steps("orders")


@op
def extract_orders() -> StoredTable:
    source = load_config("orders")["ingestion"]["source"]
    return steps.extract(lambda params: read_source(source, params))


@op
def load_orders(extracted: StoredTable) -> LoadResult:
    return steps.load(extracted)


@op(ins={"start": In(Nothing)})
def sum_orders() -> int:
    if (find_project().root / "fail early").exists():
        raise ValueError("early")
    with open_warehouse("orders") as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS marts")
        total = "SELECT sum(n) AS n FROM raw.orders"
        connection.execute(f"CREATE OR REPLACE TABLE marts.total AS {total}")
        return connection.sql("SELECT n FROM marts.total").fetchone()[0]


@op
def check_orders(total: int) -> None:
    if (find_project().root / "fail").exists():
        raise ValueError(f"total {total}")


@job(executor_def=EXECUTOR)
def orders_job():
    loaded = load_orders(extract_orders())
    check_orders(sum_orders(start=loaded))


register_workflow(workflow_id="orders", job=orders_job, description="Orders")
"""
ALL = ["check_orders", "extract_orders", "load_orders", "sum_orders"]


class Shop(DrivenProject):
    def __init__(self, root: Path) -> None:
        super().__init__(root, "orders")
        self.file = root / "data" / "orders.duckdb"

    def rows(self, *numbers: int) -> None:
        (self.root / "rows.csv").write_text("n\n" + "".join(f"{n}\n" for n in numbers))

    def seen(self) -> tuple[list[int], int]:
        """The rows and their total, as anybody sees them."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            numbers = connection.sql("SELECT n FROM raw.orders ORDER BY 1").fetchall()
            (total,) = connection.sql("SELECT n FROM marts.total").fetchall()
        return [n for (n,) in numbers], int(total[0])


@pytest.fixture(params=["in_process_executor", "multiprocess_executor"])
def executor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(tmp_path: Path, executor: str) -> Shop:
    made = Shop(tmp_path / "shop")
    (made.folder / "config.yaml").write_text(CONFIG)
    (made.folder / "dagster_job.py").write_text(JOB.replace("EXECUTOR", executor))
    made.rows(1, 2)
    return made


@pytest.mark.slow
def test_a_run_that_dagster_starts_is_seen_when_its_last_op_has_succeeded(shop: Shop) -> None:
    """Ops of the author's own see and change what the run has loaded; a failure leaves nothing."""
    first = shop.launch()
    assert (first["success"], first["steps"]) == (True, ALL)
    assert shop.seen() == ([1, 2], 3)
    before = shop.file.read_bytes()
    shop.rows(3)
    (shop.root / "fail").touch()
    failed = shop.launch()
    assert (failed["success"], failed["steps"]) == (
        False,
        ["extract_orders", "load_orders", "sum_orders"],
    )
    assert shop.file.read_bytes() == before
    (shop.root / "fail").unlink()
    again = shop.launch(failed["run_id"])
    assert (again["success"], again["steps"]) == (True, ["check_orders"])
    assert shop.seen() == ([1, 2, 3], 6)


@pytest.mark.slow
def test_a_run_taken_up_too_late_is_refused(shop: Shop) -> None:
    """Another run has begun since: what the failed one had loaded is in no file any more."""
    assert shop.launch()["success"]
    shop.rows(3)
    (shop.root / "fail early").touch()
    failed = shop.launch()
    (shop.root / "fail early").unlink()
    shop.rows(4)
    assert shop.run()["success"]
    before = shop.file.read_bytes()
    late = shop.launch(failed["run_id"])
    assert not late["success"]
    assert shop.file.read_bytes() == before
    assert shop.seen() == ([1, 2, 4], 7)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process_executor"])
def test_a_file_that_was_changed_fails_the_run(shop: Shop) -> None:
    """Before Dagster calls it a success: the history, the outcome and the tables agree."""
    ran = shop.run()
    assert ran["success"], [step["error"] for step in ran["steps"]]
    path = shop.root / "src/dataflow/workflows/orders/dagster_job.py"
    own = (
        "    import duckdb\n"
        "    with duckdb.connect('data/orders.duckdb') as o: o.execute('CREATE TABLE x(n INT)')\n"
    )
    marker = '    if (find_project().root / "fail").exists():\n        raise ValueError(f"total'
    path.write_text(path.read_text().replace(marker, own + marker))
    for run in (shop.run, shop.launch):
        outcome = run()
        assert not outcome["success"]
        assert "was changed by another program" in outcome["error"]
        assert shop.seen() == ([1, 2], 3)
        with duckdb.connect(str(shop.file)) as connection:
            connection.execute("DROP TABLE x")


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process_executor"])
def test_it_can_be_turned_off(shop: Shop) -> None:
    """Then each step changes the tables when it ends, without a copy, and none is kept."""
    (shop.root / "pyproject.toml").write_text("[tool.dataflow]\nall_or_nothing = false\n")
    assert shop.run()["success"]
    shop.rows(3)
    (shop.root / "fail").touch()
    assert not shop.run()["success"]
    assert shop.seen() == ([1, 2, 3], 6)
    assert not (shop.root / "data" / ".runs").exists()


def test_the_dashboards_follow_the_tables_of_a_run_that_was_killed_between_the_two(
    tmp_path: Path,
) -> None:
    """Those of a run whose tables nobody sees do not; in either case it is done with."""
    stall = Stall(tmp_path / "shop")
    run_id = stall.run().run_id
    project, warehouse = stall.project, visible_warehouse(stall.project, "stall")

    def shown() -> list[str]:
        return read_manifest(SiteFolders.of(project)).tables["stall"]

    for of_run, follows in (("of nobody", False), (run_id, True)):
        with warehouse.connect() as connection:
            connection.execute("UPDATE raw.sales SET amount = amount + 1")
            _, publications = stage(PublishRequest(project, "stall", connection))
        assert publications
        before = shown()
        noted = {"run_id": of_run, "publications": [vars(each) for each in publications]}
        journal = _journal(project, "stall")
        _write(journal, noted)
        finish_interrupted_promotion(project, "stall")
        assert (shown() != before) is follows
        assert not journal.exists()
    finish_interrupted_promotion(project, "stall")


def test_runs_of_one_backfill_follow_each_other(tmp_path: Path) -> None:
    """Of ours or of Dagster's; another run's tables, or those of none, are not of the backfill."""
    stall = Stall(tmp_path / "shop")
    with stall.history() as instance:

        def follows(**tags: str) -> bool:
            return follows_in_backfill(instance, stall.project, "stall", tags)

        assert not follows(**{BACKFILL_TAG: "b"})
        run_id = stall.run().run_id
        assert not follows(**{BACKFILL_TAG: "b"})
        instance.add_run_tags(run_id, {BACKFILL_TAG: "b"})
        assert follows(**{BACKFILL_TAG: "b"})
        assert follows(**{DAGSTER_BACKFILL_TAG: "b"})
        assert not follows(**{BACKFILL_TAG: "c"})
        assert not follows()
        instance.delete_run(run_id)
        assert not follows(**{BACKFILL_TAG: "b"})
