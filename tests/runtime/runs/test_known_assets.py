"""Which assets a workflow has: those of its steps, and those of its author's."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import AssetKey, AssetSpec, asset

from dataflow.runs import known_assets
from dataflow.runs.known_assets import keys_of, lineage_of, merged_assets
from dataflow.runs.lineage import Lineage
from dataflow.runs.module_definitions import ModuleDefinitions
from dataflow.shared.config_model import WorkflowConfig
from dataflow.shared.project import Project

CONFIG = WorkflowConfig.model_validate(
    {
        "workflow": {"name": "Sales"},
        "ingestion": {"source": {"type": "file", "url": "rows.csv"}},
        "load": {"table": "sales"},
    }
)


@asset
def report() -> None:
    """An asset that somebody makes."""


def test_only_the_librarys_steps_make_assets(tmp_path: Path) -> None:
    """A workflow of plain ops, or one without config.yaml, has none that are not its author's."""
    project = Project(tmp_path)
    steps = ModuleDefinitions(has_steps=True)
    assert AssetKey(["sales", "raw", "sales"]) in keys_of(
        lineage_of(project, "sales", CONFIG, steps).specs
    )
    assert lineage_of(project, "sales", CONFIG, ModuleDefinitions()) == Lineage()
    assert lineage_of(project, "sales", None, steps) == Lineage()


def test_tables_that_cannot_be_read_are_named_and_the_job_can_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever somebody's dbt project holds."""

    def fail(*_: object) -> Lineage:
        raise ValueError("half a model")

    monkeypatch.setattr(known_assets, "read_lineage", fail)
    found = ModuleDefinitions(has_steps=True)
    assert lineage_of(Project(tmp_path), "sales", CONFIG, found) == Lineage()
    assert "half a model" in "".join(found.left_out)


def test_what_an_author_says_of_a_table_is_said_of_it_once() -> None:
    """A spec of a key that the steps make describes that one; others are assets of their own."""
    made = Lineage([AssetSpec("one"), AssetSpec("two")])
    author = [AssetSpec("one", description="mine"), AssetSpec("three"), report]
    others, lineage = merged_assets(author, made)
    assert keys_of(others) == [AssetKey("three"), AssetKey("report")]
    assert [(spec.key, spec.description) for spec in lineage.specs] == [
        (AssetKey("one"), "mine"),
        (AssetKey("two"), None),
    ]
