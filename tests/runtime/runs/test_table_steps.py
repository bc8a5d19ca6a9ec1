"""Several sources and lists in one run: how each is asked for, and how each is loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.runtime.runs.stall import Stall

from dataflow.runs.model import LEFT_OUT
from dataflow.runs.run_request import RunRequestError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
workflow: {name: Stall}
ingestion:
  sources:
    sales: {source: {type: file, url: rows.csv}, columns: {id: bigint, amount: text}}
    orders:
      source: {type: file, url: orders.json}
      columns: {id: bigint, lines: json}
      load: {write_disposition: merge, primary_key: [id]}
      on_change: {bad_value: quarantine}
      child_tables:
        orders_lines:
          path: lines
          parent: {order_id: id}
          columns: {sku: text, qty: bigint}
load: {write_disposition: replace}
"""


def orders(stall: Stall, **lines: list[dict[str, object]]) -> None:
    """Write the orders with their lines, by number."""
    listed = [{"id": number[1:], "lines": of} for number, of in lines.items()]
    (stall.root / "orders.json").write_text(json.dumps(listed))


def test_tables_of_several_sources_are_loaded_each_as_it_is_asked(tmp_path: Path) -> None:
    """One replaced, one merged by its key, and the items of a list with what they belong to."""
    stall = Stall(tmp_path / "shop")
    stall.configure(CONFIG)
    stall.rows("1,1.50", "2,2.50")
    orders(stall, _1=[{"sku": "07", "qty": 2}, {"sku": "a", "qty": 1}], _2=[{"sku": "b", "qty": 5}])

    first = stall.run()

    assert first.status == "succeeded", first.error
    assert first.steps[0].summary == (
        "sales: 2 rows from rows.csv; orders: 2 rows from orders.json; "
        "orders_lines: 3 rows from orders.json"
    )
    assert (first.steps[0].rows, first.steps[2].rows) == (7, 7)
    orders(stall, _1=[{"sku": "07", "qty": 9}], _3=[], _x=[])
    stall.rows("9,9")

    second = stall.run()

    assert second.steps[2].summary == (
        "1 row into raw.sales (replace; 1 now); 2 rows into raw.orders (merge; 3 now); "
        "1 row into raw.orders_lines (merge; 2 now)"
    )
    assert "orders: 2 rows from orders.json, 1 put aside in rejected.orders;" in (
        second.steps[0].summary
    )
    lines = stall.ask("SELECT order_id, list_position, sku, qty FROM raw.orders_lines ORDER BY 1")
    assert lines == [(1, 1, "07", 9), (2, 1, "b", 5)]
    assert stall.made("raw", "orders_lines")["dagster/row_count"] == 2
    orders(stall, _1=[{"sku": "07", "qty": "many"}])
    stall.configure(CONFIG.replace("{bad_value: quarantine}", "{bad_value: fail}"))

    failed = stall.run()

    assert "orders_lines" in failed.steps[0].error
    assert "'many' is no bigint" in failed.steps[0].error
    assert stall.ask("SELECT count(*) FROM raw.orders") == [(3,)]


def test_a_run_for_some_parts_leaves_out_the_others(tmp_path: Path) -> None:
    """The dashboard is made of what an earlier run has loaded; what there is not is refused."""
    stall = Stall(tmp_path / "shop")
    early = stall.run("dashboard")
    assert "has not loaded raw.sales yet" in early.steps[2].error

    loaded = stall.run("load")

    assert loaded.status == "succeeded", loaded.error
    assert [step.summary.startswith(LEFT_OUT) for step in loaded.steps] == [*[False] * 3, True]
    assert "this run is for load only" in loaded.steps[3].summary
    stall.rows("9,9")

    shown = stall.run("dashboard")

    assert [step.summary.startswith(LEFT_OUT) for step in shown.steps] == [*[True] * 3, False]
    assert shown.steps[3].summary == "1 table for the dashboards: sales (2)"
    with pytest.raises(RunRequestError, match="has no models: there is no folder dbt"):
        stall.run("models")
