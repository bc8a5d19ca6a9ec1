"""Making some of a workflow's assets, as Dagster's UI has it: each is a run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dagster import AssetCheckKey, AssetKey
from tests.runtime.runs.stall import CONFIG, Stall

from dataflow.runs.code_location import build_definitions
from dataflow.runs.dagster_names import LOADED_ROWS, PART_TAG, SUMMARY, WORKFLOW_TAG
from dataflow.runs.policy import timeout_tags
from dataflow.shared.config import workflow_config
from dataflow.shared.project import use_project

if TYPE_CHECKING:
    from pathlib import Path

    from dagster import DagsterRun

RAW, DASHBOARD = "raw/sales", "dashboard"


@pytest.fixture
def stall(tmp_path: Path) -> Stall:
    """A workflow of which nothing has been made."""
    return Stall(tmp_path / "shop")


def materialize(stall: Stall, *keys: str) -> tuple[DagsterRun, bool, str]:
    """The run of some assets, whether it went well, and what went wrong."""
    wanted = [AssetKey(["stall", *key.split("/")]) for key in keys]
    with use_project(stall.project), stall.history() as instance:
        every = build_definitions(stall.project).get_repository_def()
        done = every.get_implicit_global_asset_job_def().execute_in_process(
            asset_selection=wanted, instance=instance, raise_on_error=False
        )
        faults = [e.step_failure_data.error for e in done.all_events if e.is_step_failure]
        run = instance.get_run_by_id(done.run_id)
        assert run is not None
        return run, done.success, "".join(fault.to_string() for fault in faults if fault)


def test_a_table_is_loaded_and_then_the_dashboard_made_of_it(stall: Stall) -> None:
    """Each by itself: Dagster is told of that one alone, and lists find the run with its part."""
    limit = (
        'workflow: {name: Stall, schedule: "0 6 * * *", timezone: UTC}\nrun: {timeout_seconds: 9}'
    )
    stall.configure(CONFIG.replace(CONFIG.strip().partition("\n")[0], limit))

    _, success, fault = materialize(stall, DASHBOARD)

    assert not success
    assert "has not loaded raw.sales yet" in fault

    run, success, fault = materialize(stall, RAW)

    assert success, fault
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(2,)]
    raw = stall.made(RAW.partition("/")[0], "sales")
    assert (raw["rows_loaded"], raw["dagster/row_count"], raw["rejected_rows"]) == (2, 2, 1)
    assert raw[LOADED_ROWS] == 2
    assert "2 rows into raw.sales" in raw[SUMMARY]
    assert stall.made(DASHBOARD) == {}
    check = AssetCheckKey(AssetKey(["stall", "raw", "sales"]), "contract")
    with stall.history() as instance:
        [record] = instance.event_log_storage.get_asset_check_execution_history(check, limit=1)
    assert (record.run_id, record.evaluation and record.evaluation.passed) == (run.run_id, False)
    policy = workflow_config("stall", stall.project).run
    assert {**timeout_tags(policy), WORKFLOW_TAG: "stall"}.items() <= run.tags.items()
    assert PART_TAG not in run.tags

    stall.rows("9,9")
    run, success, fault = materialize(stall, DASHBOARD)

    assert success, fault
    assert run.tags[PART_TAG] == DASHBOARD
    dashboard = stall.made(DASHBOARD)
    assert (dashboard["rows"], dashboard["tables"]) == (2, {"sales": 2})
    assert dashboard[SUMMARY] == "1 table for the dashboards: sales (2)"
    assert LOADED_ROWS not in dashboard
    assert stall.made("raw", "sales") == raw


@pytest.mark.slow
def test_assets_that_cannot_be_made_leave_all_as_it_was(stall: Stall) -> None:
    """What failed them is told as a check, and the tables of before stay what everybody sees."""
    stall.run()
    stall.configure(CONFIG.replace("quarantine", "fail"))
    before = stall.made("raw", "sales")

    _, success, fault = materialize(stall, RAW, DASHBOARD)

    assert not success
    assert "'x' is no bigint" in fault
    assert stall.made("raw", "sales") == before
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(2,)]
