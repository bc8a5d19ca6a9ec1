"""Runs for the models or the dashboard alone, on what an earlier run has loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import AssetKey, DagsterInstance
from tests.asset_fixtures import Till, write_till
from tests.runtime.runs.location_fixtures import build
from tests.service_fixtures import write_project, write_workflow

from dataflow.runs.instance import open_instance
from dataflow.runs.run import run_workflow
from dataflow.runs.run_part import (
    is_on_what_is_loaded,
    makes_models,
    models_of,
    part_tags,
    parts_of,
)
from dataflow.runs.run_request import RunRequest, RunRequestError
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project, use_project
from dataflow.workflows import registry

MART = "till/marts/sales"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return write_till(tmp_path / "shop")


@pytest.fixture(autouse=True)
def forget_workflows() -> Iterator[None]:
    """Other tests have workflows of the same names."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name in [each for each in sys.modules if each.startswith("dataflow.workflows.")]:
        if name.split(".")[2] in ("by_hand", "till"):
            del sys.modules[name]
    registry._registered.clear()


def materialize(till: Till, *keys: str) -> tuple[bool, set[str], set[str], str]:
    """Have Dagster make some assets, as its UI does: what was made and checked, and its fault."""
    project = Project(till.root)
    selection = {AssetKey(key.split("/")) for key in keys}
    with use_project(project), open_instance(project) as instance:
        everything = build(till.root).get_repository_def().get_implicit_global_asset_job_def()
        job = everything.get_subset(asset_selection=selection)
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    made, checked, fault = set(), set(), ""
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key:
            made.add(event.asset_key.to_user_string())
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            checked.add(event.asset_check_evaluation_data.check_name)
        if event.is_step_failure and event.step_failure_data.error:
            fault = event.step_failure_data.error.to_string()
    return result.success, made, checked, fault


def rows(till: Till, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(till.root / "data" / "till.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def newest(till: Till, key: str) -> str:
    """The run that has made an asset last."""
    with DagsterInstance.from_config(str(till.root / ".dagster")) as instance:
        event = instance.get_latest_materialization_event(AssetKey(key.split("/")))
    return event.run_id if event else ""


def test_parts_are_told_by_a_tag() -> None:
    """A tag that somebody wrote by hand is refused if it names none."""
    assert parts_of(part_tags(["dashboard", "models"])) == {"models", "dashboard"}
    assert parts_of({}) == parts_of(part_tags([])) == frozenset()
    for wrong in ("", " ", ","):
        with pytest.raises(BadInputError, match="dataflow/part"):
            parts_of({"dataflow/part": wrong})


@pytest.mark.parametrize(
    ("parts", "models", "asks_no_source", "makes"),
    [
        ([], set(), False, True),
        (["load"], set(), False, False),
        (["dashboard"], set(), True, False),
        (["models", "stg_sales"], set(), True, True),
        (["stg_sales", "dashboard"], {"stg_sales"}, True, True),
        (["load", "stg_sales"], {"stg_sales"}, False, True),
    ],
)
def test_what_parts_ask_for(
    parts: list[str], models: set[str], asks_no_source: bool, makes: bool
) -> None:
    """Which models, whether a source is asked, and whether tables for others are made."""
    named = parts_of(part_tags(parts))
    assert models_of(named) == models
    assert is_on_what_is_loaded(part_tags(parts)) == asks_no_source
    assert makes_models(named) == makes


def test_a_part_that_a_workflow_has_not_is_refused(tmp_path: Path, till: Till) -> None:
    """One without models, and one whose job knows of no parts: nothing is started."""
    root = write_project(tmp_path / "other")
    (write_workflow(root, "by_hand") / "dbt").mkdir()
    for workflow_id, part, said in (
        ("by_hand", "dashboard", "none of the library's Steps"),
        ("by_hand", "models", "none of the library's Steps"),
    ):
        with pytest.raises(RunRequestError, match=said):
            run_workflow(Project(root), workflow_id, request=RunRequest(tags=part_tags([part])))
    with pytest.raises(RunRequestError, match="no part and no model 'stg_sale'") as refused:
        run_workflow(Project(till.root), "till", request=RunRequest(tags=part_tags(["stg_sale"])))
    assert refused.value.instruction == "Did you mean `stg_sales`?"
    (till.folder / "dbt").rename(tmp_path / "dbt")
    with pytest.raises(RunRequestError, match="has no models: there is no folder dbt"):
        run_workflow(Project(till.root), "till", request=RunRequest(tags=part_tags(["models"])))


@pytest.mark.slow
def test_nothing_is_made_of_what_was_never_loaded(till: Till) -> None:
    """The tables that are lacking are named, by a run and by an asset."""
    run = till.run(None, "dashboard")
    assert not run["success"]
    assert "till has not loaded raw.sales yet" in str(run)
    success, made, _, fault = materialize(till, "till/dashboard")
    assert (success, made) == (False, set())
    assert "till has not loaded raw.sales yet" in fault


@pytest.mark.slow
def test_each_part_and_each_asset_is_made_by_itself(till: Till) -> None:
    """Each asset by itself, of models only what is asked for; what fails leaves all as it was."""
    assert till.run()["success"]
    till.rows("1,1.50", "2,2.50", "3,3.50", "4,1.00")
    success, made, checked, _ = materialize(till, "till/raw/sales")
    assert (success, made, checked) == (True, {"till/raw/sales"}, {"contract"})
    assert rows(till, "SELECT count(*) FROM raw.sales") == [(4,)]
    assert rows(till, "SELECT count(*) FROM marts.sales") == [(3,)]

    till.rows("1,1.50")
    loaded = till.run(None, "load")
    assert loaded["success"], loaded
    assert newest(till, "till/raw/sales") == loaded["run_id"] != newest(till, MART)
    assert rows(till, "SELECT count(*) FROM raw.sales") == [(1,)]
    till.rows("1,1.50", "2,2.50", "3,3.50", "4,1.00")
    assert till.run(None, "load", "stg_sales")["success"]
    assert newest(till, "till/staging/stg_sales") == newest(till, "till/raw/sales")
    assert newest(till, MART) != newest(till, "till/raw/sales")

    (till.root / "rows.csv").unlink()
    mart = till.folder / "dbt" / "models" / "marts" / "sales.sql"
    mart.write_text(mart.read_text().replace("*", "id, amount * 2 as twice"))
    run = till.run(None, "models")
    assert run["success"], run
    assert str(rows(till, "SELECT sum(twice) FROM marts.sales")[0][0]) == "17.00"
    assert newest(till, MART) == run["run_id"]
    assert newest(till, "till/raw/sales") != run["run_id"] != newest(till, "till/dashboard")

    success, made, checked, _ = materialize(till, "till/staging/stg_sales", "till/dashboard")
    assert success
    assert made == {"till/staging/stg_sales", "till/dashboard"}
    assert checked == {"unique_id", "not_null_amount"}

    before = newest(till, MART)
    mart.write_text("select no_such_column from {{ ref('stg_sales') }}")
    success, made, _, fault = materialize(till, MART)
    assert (success, made) == (False, set())
    assert "no_such_column" in fault
    assert newest(till, MART) == before
    assert rows(till, "SELECT count(twice) FROM marts.sales") == [(4,)]
