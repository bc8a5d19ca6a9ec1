"""kill -9 of a run, at each boundary between its steps and in the middle of each step."""

from __future__ import annotations

from typing import Any

import pytest
from tests.faults.conftest import Shop

pytestmark = pytest.mark.slow

STEPS = "dataflow.orchestration.steps:Steps"
LOAD = "dataflow.warehouse.load"
MANIFEST = "dataflow.dashboards.manifest"
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


# Where the run dies; whether the new rows are in the raw table, the mart and the dashboards.
PLACES = {
    "before extract": (at(f"{STEPS}.extract"), "---"),
    "while the extract is written": (at(RENAME, matching="extract.parquet"), "---"),
    "after extract": (at(f"{STEPS}.extract", "after"), "---"),
    "before transform": (at(f"{STEPS}.transform"), "---"),
    "after transform": (at(f"{STEPS}.transform", "after"), "---"),
    "before load": (at(f"{STEPS}.load"), "---"),
    "before the load commits": (at(f"{LOAD}:_count", "after"), "---"),
    "when the load has committed": (at(f"{STEPS}._record"), "r--"),
    "after load": (at(f"{STEPS}.load", "after"), "r--"),
    "before model": (at(f"{STEPS}.model"), "r--"),
    "while dbt makes the staging model": (at(SQL, matching="stg_sales__dbt_tmp"), "r--"),
    "while dbt makes the mart": (at(SQL, "after", matching="sales__dbt_tmp", call=4), "r--"),
    "while dbt tests": (at(SQL, matching="not_null"), "r--"),
    "after model": (at(f"{STEPS}.model", "after"), "rm-"),
    "before publish": (at(f"{STEPS}.publish"), "rm-"),
    "while a table is written": (at("dataflow.dashboards.publish:_settle"), "rm-"),
    "between two tables": (at(RENAME, matching="sales_daily.parquet"), "rm-"),
    "before the manifest is replaced": (at(RENAME, matching="manifest"), "rm-"),
    "when the manifest is replaced": (at(f"{MANIFEST}:_sweep"), "rmp"),
    "after publish": (at(f"{STEPS}.publish", "after"), "rmp"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_run_loses_and_doubles_nothing(shop: Shop, place: str) -> None:
    """Old or new, tables and dashboard are whole; the next run has every row exactly once."""
    hook, reached = PLACES[place]
    shop.configure("write_disposition: replace", "write_disposition: append")
    shop.write_rows(4, 5, 6)
    assert shop.run(hooks=[hook]).code == -9
    assert shop.raw() == (AFTER if "r" in reached else BEFORE)
    assert shop.mart() == (AFTER if "m" in reached else BEFORE)
    assert shop.published() == (AFTER if "p" in reached else BEFORE)
    shop.run_well()
    assert shop.raw() == shop.mart() == shop.published() == AFTER
