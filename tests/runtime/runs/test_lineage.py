"""A workflow's tables as assets of the code location, before any of its runs."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    AssetSpec,
    DailyPartitionsDefinition,
    Definitions,
    FreshnessPolicy,
)
from tests.asset_fixtures import Till, write_till
from tests.runtime.runs.location_fixtures import build
from tests.service_fixtures import write_workflow

from dataflow.runs.freshness import longest_pause
from dataflow.runs.lineage import read_lineage, with_words_of
from dataflow.shared.config import workflow_config
from dataflow.shared.project import Project

SOURCE, RAW = AssetKey(["till", "source"]), AssetKey(["till", "raw", "sales"])
STAGING, MART = AssetKey(["till", "staging", "stg_sales"]), AssetKey(["till", "marts", "sales"])
DASHBOARD = AssetKey(["till", "dashboard"])
# As version 0.1.0 rendered it.
OLD_ASSETS = """
from dagster import AssetSpec

WORKFLOW = "till"

source = AssetSpec(
    key=[WORKFLOW, "source"],
    group_name=WORKFLOW,
    description="The source that config.yaml names.",
    kinds={"file"},
)

raw_table = AssetSpec(
    key=[WORKFLOW, "raw", "sales"],
    group_name=WORKFLOW,
    description="The rows as they were loaded.",
    deps=[source],
    kinds={"duckdb"},
)

mart = AssetSpec(
    key=[WORKFLOW, "marts", "sales"],
    group_name=WORKFLOW,
    description="The table that people and dashboards read.",
    deps=[raw_table],
    kinds={"duckdb", "dbt"},
)
"""


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return write_till(tmp_path / "shop")


def test_the_tables_are_assets_from_source_to_dashboard(till: Till) -> None:
    """With what each is made from, its columns, its code and its checks; nothing restates it."""
    graph = build(till.root).resolve_asset_graph()
    parents = {key: graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
    assert parents == {
        SOURCE: set(),
        RAW: {SOURCE},
        STAGING: {RAW},
        MART: {STAGING},
        DASHBOARD: {MART},
    }
    assert {key.to_user_string() for key in graph.asset_check_keys} == {
        "till/raw/sales:contract",
        "till/staging/stg_sales:unique_id",
        "till/staging/stg_sales:not_null_amount",
    }
    staging = graph.get(STAGING)
    assert staging.description == "What the till says."
    assert (staging.group_name, "money" in staging.tags) == ("till", True)
    assert "source('raw', 'sales')" in str(staging.metadata["code"].value)
    described = staging.metadata["dagster/column_schema"].columns
    assert (described[0].name, described[0].description) == ("id", "The number of the receipt.")
    agreed = graph.get(RAW).metadata["dagster/column_schema"].columns
    assert [(c.name, c.type) for c in agreed] == [("id", "bigint"), ("amount", "decimal(12,2)")]


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ('select * from "Staging"."stg_sales"', {STAGING}),
        ("select * from raw.sales join staging . stg_sales using (id)", {RAW, STAGING}),
        ("select * from elsewhere.sales", {MART}),
    ],
)
def test_the_dashboard_comes_from_what_its_queries_read(
    till: Till, query: str, read: set[AssetKey]
) -> None:
    """However a table is written; where none is named, from the last models there are."""
    (till.folder / "evidence" / "sources" / "sales.sql").write_text(query)
    lineage = read_lineage(Project(till.root), "till", workflow_config("till", Project(till.root)))
    dashboard = next(spec for spec in lineage.specs if spec.key == DASHBOARD)
    assert {dep.asset_key for dep in dashboard.deps} == read


def test_what_the_author_says_of_a_table_is_shown_with_it(till: Till) -> None:
    """Specs as 0.1.0 rendered them, and owners and kinds of one's own; the rest is still found."""
    more = "other = AssetSpec([WORKFLOW, 'staging', 'stg_sales'], owners=['team:till'],\n"
    more += "    kinds={'a', 'b', 'c'}, deps=['of_another_system'])\n"
    (till.folder / "assets.py").write_text(OLD_ASSETS + more)
    graph = build(till.root).resolve_asset_graph()
    mart, staging = graph.get(MART), graph.get(STAGING)
    assert mart.description == "The table that people and dashboards read."
    assert mart.parent_keys == {STAGING, RAW}
    assert "code" in mart.metadata
    assert staging.description == "What the till says."
    assert (staging.owners, staging.kinds) == (["team:till"], {"a", "b", "c"})
    assert staging.parent_keys == {RAW, AssetKey("of_another_system")}


def test_assets_of_the_authors_own_stand_beside_the_tables(till: Till) -> None:
    """An `@asset` of a table's key is the author's; a spec of another's table stands for it."""
    (till.folder / "assets.py").write_text(
        "from dagster import AssetSpec, asset, asset_check\n"
        "@asset(key=['till', 'marts', 'sales'])\ndef mart(): ...\n"
        "@asset(deps=[mart])\ndef report(): ...\n"
        "@asset_check(asset=['till', 'staging', 'stg_sales'], name='unique_id')\n"
        "def own(): ...\n"
    )
    other = write_workflow(till.root, "another")
    (other / "assets.py").write_text(
        "from dagster import AssetSpec, asset\n"
        "stub = AssetSpec(['till', 'staging', 'stg_sales'])\n"
        "@asset(deps=[stub])\ndef after_till(): ...\n"
    )
    definitions = build(till.root)
    Definitions.validate_loadable(definitions)
    graph = definitions.resolve_asset_graph()
    assert graph.get(MART).is_executable
    assert graph.get(AssetKey("after_till")).parent_keys == {STAGING}
    assert graph.get(STAGING).description == "What the till says."
    assert "dataflow/broken" not in definitions.get_job_def("till_job").tags
    assert "dataflow/broken" not in definitions.get_job_def("another_job").tags
    assert len(graph.asset_check_keys) == 3


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("dbt_project.yml", "models: ["),
        ("models/models.yml", "models: {name: x"),
        ("models/staging/stg_sales.sql", "select * from {{ ref('sales') }}"),
        ("models/models.yml", "models:\n  - name: stg_sales\n    columns: [1, {name: [2]}]\n"),
        ("models/models.yml", "sources: 3\nmodels: [null, {name: sales, config: [1]}]\n"),
    ],
)
def test_a_broken_dbt_project_does_not_break_the_workflow(till: Till, file: str, text: str) -> None:
    """Not YAML, a circle, something else than dbt wants: dbt says it, when it runs."""
    (till.folder / "dbt" / file).write_text(text)
    definitions = build(till.root)
    Definitions.validate_loadable(definitions)
    assert "dataflow/broken" not in definitions.get_job_def("till_job").tags


def test_a_workflow_without_the_steps_has_no_such_assets(till: Till) -> None:
    """Whoever loads by hand says by hand what is made."""
    write_workflow(till.root, "by_hand")
    keys = build(till.root).resolve_asset_graph().get_all_asset_keys()
    assert {key.path[0] for key in keys} == {"till"}


@pytest.mark.slow
def test_a_location_is_loaded_without_dbt(till: Till) -> None:
    """Neither dbt nor what reads tables is imported for the assets."""
    code = (
        "import sys; from dataflow.runs.code_location import build_definitions\n"
        "from dataflow.shared.project import find_project\n"
        "build_definitions(find_project()).get_repository_def()\n"
        "print([m for m in ('dbt', 'duckdb', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=till.root, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


def test_tables_are_overdue_by_the_schedule(till: Till) -> None:
    """Of all but the source, which is not made here; a workflow without one is never overdue."""
    graph = build(till.root).resolve_asset_graph()
    policies = {key: graph.get(key).freshness_policy for key in (RAW, STAGING, MART, DASHBOARD)}
    assert set(policies.values()) == {FreshnessPolicy.time_window(timedelta(hours=30))}
    assert graph.get(SOURCE).freshness_policy is None
    config = till.folder / "config.yaml"
    config.write_text(config.read_text().replace('"0 6 * * *"', "null"))
    graph = build(till.root).resolve_asset_graph()
    assert graph.get(MART).freshness_policy is None


@pytest.mark.parametrize(
    ("schedule", "pause"),
    [
        ("* * * * *", timedelta(minutes=1)),
        ("30 */6 * * *", timedelta(hours=6)),
        ("0 6 * * *", timedelta(hours=24)),
        ("0 8-18 * * 1-5", timedelta(days=2, hours=14)),
        ("0 6 * * 1,2", timedelta(days=6)),
        ("0 0 31 * *", timedelta(days=61)),
        ("@weekly", timedelta(days=7)),
    ],
)
def test_the_longest_pause_of_a_schedule_is_found(schedule: str, pause: timedelta) -> None:
    """Nights, weekends and short months are no reason to call a table overdue."""
    assert longest_pause(schedule, "UTC") == pause


@pytest.mark.slow
def test_after_a_run_the_assets_are_those_that_dbt_has_made(till: Till) -> None:
    """A name that a macro makes is known once dbt has run, and until a file is edited."""
    model = till.folder / "dbt" / "models" / "marts" / "sales.sql"
    model.write_text("{{ config(alias='sa' ~ 'les_too') }} " + model.read_text())
    made = AssetKey(["till", "marts", "sales_too"])
    (till.folder / "evidence" / "sources" / "sales.sql").write_text("select * from marts.sales_too")
    assert made not in build(till.root).resolve_asset_graph().get_all_asset_keys()
    assert till.run()["success"]
    graph = build(till.root).resolve_asset_graph()
    assert graph.get(DASHBOARD).parent_keys == {made}
    assert MART not in graph.get_all_asset_keys()
    (model.parent / "extra.sql").write_text("select * from {{ ref('stg_sales') }}")
    extra = AssetKey(["till", "marts", "extra"])
    assert extra in build(till.root).resolve_asset_graph().get_all_asset_keys()


def test_what_an_author_says_goes_before_what_config_says() -> None:
    """What is not said is as it was found; deps and metadata of both are there."""
    days = DailyPartitionsDefinition("2024-01-01")
    late = FreshnessPolicy.time_window(fail_window=timedelta(hours=2))
    found = AssetSpec(
        "t",
        deps=["raw"],
        description="found",
        metadata={"a": 1, "b": 1},
        tags={"x": ""},
        kinds={"duckdb"},
        group_name="found",
        freshness_policy=late,
        partitions_def=days,
    )
    plain = with_words_of(found, AssetSpec("t", deps=["other"], metadata={"b": 2}))
    assert {dep.asset_key.to_user_string() for dep in plain.deps} == {"raw", "other"}
    assert (plain.description, plain.group_name, plain.kinds) == ("found", "found", {"duckdb"})
    assert (plain.freshness_policy, plain.partitions_def) == (late, days)
    assert (plain.metadata["a"], plain.metadata["b"]) == (1, 2)
    own_days = DailyPartitionsDefinition("2025-01-01")
    soon = FreshnessPolicy.time_window(fail_window=timedelta(hours=1))
    said = AssetSpec(
        "t",
        description="said",
        kinds={"sql"},
        group_name="said",
        freshness_policy=soon,
        partitions_def=own_days,
    )
    own = with_words_of(found, said)
    assert (own.description, own.group_name, own.kinds) == ("said", "said", {"sql"})
    assert (own.freshness_policy, own.partitions_def) == (soon, own_days)
    assert "x" in own.tags
