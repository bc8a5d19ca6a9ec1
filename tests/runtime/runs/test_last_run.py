from __future__ import annotations

from pathlib import Path

import pytest
from tests.dashboard_fixtures import new_project, write_workflow

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.runs.last_run import show_on_index
from dataflow.shared.config import workflow_config

CONFIG = """
workflow: {{name: Shop{schedule}}}
ingestion: {{source: {{type: file, url: a.csv}}}}
load: {{table: shop}}
"""


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [(', schedule: "0 6 * * *"', 30 * 3600.0), ("", None)],
    ids=["daily", "none"],
)
@pytest.mark.parametrize("success", [True, False])
def test_the_index_page_is_told_when_data_is_overdue(
    tmp_path: Path, schedule: str, seconds: float | None, success: bool
) -> None:
    """By the schedule of now and the grace that Dagster's UI has too; also when the run failed."""
    project = new_project(tmp_path)
    write_workflow(project, "shop", config=CONFIG.format(schedule=schedule))

    show_on_index(project, "shop", workflow_config("shop", project), success=success)

    notes = read_manifest(SiteFolders.of(project)).workflows["shop"]
    assert notes.get("overdue_after") == seconds
    assert notes["run"]["status"] == ("success" if success else "failure")


def test_a_workflow_without_config_is_never_overdue(tmp_path: Path) -> None:
    """How its run ended is told all the same."""
    project = new_project(tmp_path)
    write_workflow(project, "shop", config="workflow: [")

    show_on_index(project, "shop", None, success=False)

    notes = read_manifest(SiteFolders.of(project)).workflows["shop"]
    assert (notes["run"]["status"], "overdue_after" in notes) == ("failure", False)
