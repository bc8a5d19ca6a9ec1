from __future__ import annotations

from pathlib import Path

import pytest
from tests.dashboard_fixtures import new_project, write_workflow

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.runs.last_run import show_on_index
from dataflow.shared.config import workflow_config
from dataflow.shared.project import Project

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


def test_an_index_page_that_cannot_be_told_ends_no_run(tmp_path: Path) -> None:
    """On this machine's disk or at another place: the run has ended as it has."""
    project = new_project(tmp_path)
    write_workflow(project, "shop", config="workflow: [")
    site = SiteFolders.of(project)
    show_on_index(project, "nobody", None, success=True)
    assert "nobody" not in read_manifest(site).workflows
    (project.state_dir / "site").mkdir(parents=True, exist_ok=True)
    (project.state_dir / "site" / "public").write_text("in the way")
    show_on_index(project, "shop", None, success=True)
    (project.root / "target").write_text("in the way")
    settings = (project.root / "pyproject.toml").read_text()
    (project.root / "pyproject.toml").write_text(f'{settings}\npublish_target = "target"\n')
    show_on_index(Project(project.root), "shop", None, success=True)
