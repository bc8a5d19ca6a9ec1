"""What earlier runs left in the tables: listed, compared, brought back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.runtime.runs.stall import CONFIG, Stall

from dataflow.publish.errors import PublishError
from dataflow.runs.earlier_states import find_difference, list_states, restore_state
from dataflow.runs.promotion import promote
from dataflow.shared.errors import BadInputError
from dataflow.warehouse.kind import AtomicWarehouse, visible_warehouse

if TYPE_CHECKING:
    from pathlib import Path

RUNS = ["aa-1", "aa-2", "bb-3"]


@pytest.fixture(scope="module")
def stall(tmp_path_factory: pytest.TempPathFactory) -> Stall:
    """A workflow after three runs: each has added a row, and the last one changed another."""
    made = Stall(tmp_path_factory.mktemp("states") / "shop")
    for number, run_id in enumerate(RUNS, start=1):
        with warehouse(made).begin(run_id).connect() as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
            connection.execute(
                "CREATE OR REPLACE TABLE raw.sales AS SELECT id, id * 1.5 AS amount, "
                f"{number} AS processed_at FROM range(1, {number + 1}) AS rows(id)"
            )
            if number == 3:
                connection.execute("UPDATE raw.sales SET amount = 0 WHERE id = 1")
        promote(made.project, "stall", run_id, warehouse(made), [])
    return made


@pytest.fixture(autouse=True)
def _without_a_key(stall: Stall) -> None:
    stall.configure(CONFIG)
    write_manifest(stall, "no JSON")


def warehouse(stall: Stall) -> AtomicWarehouse:
    found = visible_warehouse(stall.project, "stall")
    assert isinstance(found, AtomicWarehouse)
    return found


def runs(stall: Stall) -> list[str]:
    return [state.run_id for state in list_states(stall.project, "stall")]


def write_manifest(stall: Stall, text: str) -> None:
    folder = stall.project.state_dir / "dbt" / "stall" / "target"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(text)


def test_states_are_told_from_the_present_one_backwards(stall: Stall) -> None:
    """Only the present one has not been replaced; a workflow without tables has none."""
    states = list_states(stall.project, "stall")
    assert [(state.run_id, state.replaced_by) for state in states] == [
        ("bb-3", ""),
        ("aa-2", "bb-3"),
        ("aa-1", "aa-2"),
    ]
    (stall.project.workflow_dir("other")).mkdir()
    with pytest.raises(BadInputError, match="has no tables yet"):
        list_states(stall.project, "other")
    with pytest.raises(BadInputError, match="no workflow 'stal'"):
        list_states(stall.project, "stal")


@pytest.mark.parametrize("key_from", ["nothing", "config.yaml", "a test of dbt's", "a model"])
def test_a_runs_difference_is_told_by_rows(stall: Stall, key_from: str) -> None:
    """A row that changed is one of its key, wherever that is said; else one came and one went."""
    keys = {"nothing": [], "config.yaml": ["id"]}.get(key_from, ["id"])
    table = {"schema": "raw", "identifier": "sales", "name": "its_name"}
    if key_from == "config.yaml":
        merge = "{table: sales, write_disposition: merge, primary_key: [id]}"
        stall.configure(CONFIG.replace("{table: sales}", merge))
    elif key_from == "a test of dbt's":
        of_id = {
            "resource_type": "test",
            "config": {},
            "test_metadata": {"name": "unique"},
            "column_name": '"id"',
            "depends_on": {"nodes": ["source.sales"]},
        }
        others = {
            "not_null": {**of_id, "test_metadata": {"name": "not_null"}, "column_name": "amount"},
            "singular": {**of_id, "test_metadata": None},
        }
        known = {"nodes": {**others, "unique": of_id}, "sources": {"source.sales": table}}
        write_manifest(stall, json.dumps(known))
    elif key_from == "a model":
        model = {"resource_type": "model", "schema": "raw", "alias": "sales"}
        nodes = {
            "plain": {**model, "config": {}},
            "merged": {**model, "config": {"unique_key": "id"}},
        }
        write_manifest(stall, json.dumps({"nodes": nodes, "sources": {}}))

    found = find_difference(stall.project, "stall")

    assert (found.before.run_id, found.after.run_id) == ("aa-2", "bb-3")
    [sales] = found.tables
    assert (sales.rows_before, sales.rows_after, sales.key) == (2, 3, keys)
    assert (sales.added, sales.gone, sales.changed) == ((1, 0, 1) if keys else (2, 1, None))
    assert sales.not_compared == ["processed_at"]


def test_any_run_can_be_compared_with_the_one_before_it(stall: Stall) -> None:
    """By the beginning of its id, if that is enough; the first has none before it."""
    found = find_difference(stall.project, "stall", "aa-2")
    assert (found.before.run_id, found.after.run_id) == ("aa-1", "aa-2")
    assert (found.tables[0].added, found.tables[0].gone) == (1, 0)
    everything = find_difference(stall.project, "stall", "bb", all_columns=True)
    assert everything.tables[0].not_compared == []
    assert everything.tables[0].gone == 2
    with pytest.raises(BadInputError, match="before run aa-1 is kept"):
        find_difference(stall.project, "stall", "aa-1")
    with pytest.raises(BadInputError, match="'aa' of stall is the beginning of several"):
        find_difference(stall.project, "stall", "aa")
    with pytest.raises(BadInputError, match="'cc' of stall is not kept; there are: bb-3, aa-2"):
        find_difference(stall.project, "stall", "cc")


def test_what_a_run_left_is_brought_back_and_can_be_undone(stall: Stall, tmp_path: Path) -> None:
    """With the dashboards, which are published of it, or without."""
    stall = stall.copied(tmp_path / "shop")
    data = stall.project.state_dir / "site" / "public" / "data" / "stall"

    restored = restore_state(stall.project, "stall", "aa-1")

    assert restored.run_id == "aa-1"
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(1,)]
    assert runs(stall)[0] == "aa-1"
    assert len(list(data.glob("sales/*/sales.parquet"))) == 1
    # It is there twice now, and means the one that there is.
    assert find_difference(stall.project, "stall", "aa-1").before.run_id == "bb-3"
    with pytest.raises(BadInputError, match="not kept"):
        restore_state(stall.project, "stall", "cc")
    (stall.folder / "evidence" / "sources" / "sales.sql").write_text(
        "select no_such from raw.sales"
    )
    with pytest.raises(PublishError, match="nothing was restored") as refused:
        restore_state(stall.project, "stall", "bb")
    assert "--run bb-3 --no-dashboards" in refused.value.instruction
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(1,)]
    restore_state(stall.project, "stall", "bb", with_dashboards=False)
    assert stall.ask("SELECT count(*) FROM raw.sales") == [(3,)]
