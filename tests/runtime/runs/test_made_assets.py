"""What the steps of a run tell of the tables that they made, and of their checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dagster import AssetCheckKey, AssetKey
from tests.runtime.runs.stall import CONFIG, Stall

from dataflow.modelling.outcomes import TestOutcome
from dataflow.runs.context import RunContext
from dataflow.runs.made_assets import _evaluation, _facts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stall(tmp_path: Path) -> Stall:
    """A workflow with a contract, and a row that is not as it says."""
    return Stall(tmp_path / "shop")


def contract(stall: Stall) -> tuple[bool, str, object]:
    """How the contract's check ended last: whether it passed, its severity, the failing rows."""
    key = AssetCheckKey(AssetKey(["stall", "raw", "sales"]), "contract")
    with stall.history() as instance:
        [record] = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    evaluation = record.evaluation
    assert evaluation is not None
    failing: Any = evaluation.metadata["failing_rows"].value
    return evaluation.passed, evaluation.severity.value, failing


def test_dagster_and_the_command_are_told_what_a_run_made(stall: Stall) -> None:
    """Rows, columns and a sample of each table; how long it took; what the contract put aside."""
    run = stall.run()

    assert (run.status, run.error) == ("succeeded", "")
    assert [(step.name, step.rows) for step in run.steps] == [
        ("extract", 2),
        ("transform", 2),
        ("load", 2),
        ("publish", None),
    ]
    assert [step.summary for step in run.steps] == [
        "2 rows from rows.csv, 1 put aside in rejected.sales",
        "2 rows",
        "2 rows into raw.sales (replace; 2 now)",
        "1 table for the dashboards: sales (2)",
    ]
    raw = stall.made("raw", "sales")
    columns = [(column.name, column.type) for column in raw["dagster/column_schema"].columns]
    assert columns[:2] == [("id", "BIGINT"), ("amount", "DECIMAL(12,2)")]
    assert raw["sample"] == "| amount |\n| --- |\n| 1.50 |\n| 2.50 |"
    counts = {name: raw[name] for name in ("dagster/row_count", "rows_loaded", "rejected_rows")}
    assert counts == {"dagster/row_count": 2, "rows_loaded": 2, "rejected_rows": 1}
    assert 0 < raw["seconds"] < 60
    dashboard = stall.made("dashboard")
    assert (dashboard["rows"], dashboard["tables"]) == (2, {"sales": 2})
    assert 0 < dashboard["seconds"] < 60
    assert contract(stall) == (False, "WARN", 1)
    assert stall.ask("SELECT run_id FROM rejected.sales") == [(run.run_id,)]


def test_rows_as_agreed_are_told_as_a_check_that_passed(stall: Stall) -> None:
    """And rows that end the run as one that did not, with the good run's tables still there."""
    stall.rows("1,1.50")
    good = stall.run()
    assert stall.made("raw", "sales")["rejected_rows"] == 0
    assert contract(stall) == (True, "WARN", 0)
    stall.configure(CONFIG.replace("quarantine", "fail"))
    stall.rows("1,1.50", "x,2.50", "y,3.50")

    bad = stall.run()

    assert bad.status == "failed"
    assert [(step.name, step.status) for step in bad.steps] == [("extract", "failed")]
    assert contract(stall) == (False, "ERROR", 2)
    assert stall.made("raw", "sales")["rejected_rows"] == 0
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(1,)]
    with stall.history() as instance:
        ended = {run.run_id: run.is_success for run in instance.get_runs()}
    assert ended == {good.run_id: True, bad.run_id: False}


@pytest.mark.parametrize(
    ("outcome", "passed", "severity"),
    [
        (TestOutcome(("marts", "t"), "unique", "pass"), True, "ERROR"),
        (TestOutcome(("marts", "t"), "unique", "pass", is_error=False), True, "WARN"),
        (TestOutcome(("marts", "t"), "unique", "warn", 3, "three rows"), False, "WARN"),
        (TestOutcome(("marts", "t"), "unique", "fail", 3, "three rows"), False, "ERROR"),
        (TestOutcome(("marts", "t"), "unique", "error", is_error=False), False, "ERROR"),
    ],
)
def test_a_test_of_dbt_is_a_check_as_severe_as_it_ended(
    outcome: TestOutcome, passed: bool, severity: str
) -> None:
    """One that passed is as severe as it would have been; with its rows and what dbt said."""
    told = _evaluation("sales", outcome)
    assert told.asset_check_key == AssetCheckKey(AssetKey(["sales", "marts", "t"]), "unique")
    assert (told.passed, told.severity.value) == (passed, severity)
    assert told.description == (outcome.said or None)
    assert told.metadata["failing_rows"].value == outcome.failing_rows


def test_how_long_a_test_took_is_told_to_the_millisecond() -> None:
    """And not more of what dbt said than a person reads."""
    outcome = TestOutcome(("marts", "t"), "unique", "fail", 1, "x" * 2000, seconds=1.23456)
    told = _evaluation("sales", outcome)
    assert told.metadata["seconds"].value == 1.235
    assert len(told.description or "") == 500


def test_columns_that_cannot_be_looked_up_fail_no_run(stall: Stall) -> None:
    """What is told of a table is not worth the table."""
    run = RunContext(stall.project, "stall", "a-run", None, is_locked=False)
    (stall.root / "data").mkdir()
    (stall.root / "data" / "stall.duckdb").write_text("no database")
    assert _facts(run, {("raw", "sales"): frozenset()}) == {}
    assert _facts(run, {}) == {}
