"""What docs/assets.md says of assets of one's own holds, with Dagster and dagster-dbt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.asset_fixtures import write_till
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

PAGE = (REPOSITORY / "docs" / "assets.md").read_text()
PROJECT = {
    "dbt_project.yml": (
        "{name: reports, profile: reports, models: {reports: {+materialized: table}}}"
    ),
    "profiles.yml": (
        "reports: {target: own, outputs: {own: {type: duckdb, path: ../data/reports.duckdb,"
        " attach: [{path: ../data/till.duckdb, alias: till, read_only: true}]}}}"
    ),
    "models/total.sql": "select sum(amount) as total from {{ source('till', 'sales') }}",
    "models/models.yml": (
        "models: [{name: total, columns: [{name: total, data_tests: [not_null]}]}]"
    ),
}
SEEN = """
import json
from dataflow.runs.code_location import build_definitions
from dataflow.shared.project import find_project
from dagster import AssetKey

graph = build_definitions(find_project()).resolve_asset_graph()
print(json.dumps({
    "parents": sorted(key.to_user_string() for key in graph.get(AssetKey(["total"])).parent_keys),
    "checks": sorted(key.name for key in graph.asset_check_keys if key.asset_key.path == ["total"]),
}))
"""


def example(language: str) -> str:
    section = PAGE.partition("### A dbt project of your own\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1].replace("sales", "till", 2 if language == "yaml" else 0)


def test_a_dbt_project_of_ones_own_is_made_of_a_workflows_mart(tmp_path: Path) -> None:
    """Its model has the mart before it and a check, and is built by itself as Dagster's UI does."""
    till = write_till(tmp_path / "shop")
    for name, text in PROJECT.items():
        path = till.root / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    source = example("yaml").replace("[sales, marts", "[till, marts")
    (till.root / "reports" / "models" / "sources.yml").write_text(source)
    (till.folder / "reports.py").write_text(example("python"))
    assert till.run()["success"]

    seen: dict[str, Any] = till.start(SEEN)
    made = till.materialize("total")

    assert seen == {"parents": ["till/marts/sales"], "checks": ["not_null_total_total"]}
    assert made["success"], made["fault"]
    with duckdb.connect(str(till.root / "data" / "reports.duckdb"), read_only=True) as own:
        assert own.execute("SELECT total FROM total").fetchall() == [(7.5,)]
