from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import note_run, read_manifest
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.dashboards.outdated import Outdated, publish_outdated


@pytest.fixture
def sources(project: Project, add_workflow: AddWorkflow) -> Path:
    """The source queries of a workflow that is published."""
    folder = add_workflow("shop", sources={"t": "SELECT 1 AS a"}, warehouse="SELECT 1")
    publish_workflow(project, "shop")
    return folder / "evidence" / "sources"


def _edit(path: Path, query: str) -> None:
    path.write_text(query)
    # Clocks of file systems are coarse.
    os.utime(path, (time.time() + 1, time.time() + 1))


def _rows(project: Project) -> dict[str, int]:
    rows: dict[str, int] = read_manifest(SiteFolders.of(project)).workflows["shop"]["rows"]
    return rows


def test_what_is_up_to_date_is_left_alone(project: Project, sources: Path) -> None:
    """Saving a page costs no second copy of the data."""
    os.utime(sources / "t.sql", (1, 1))
    said: list[str] = []

    assert publish_outdated(project, said.append) == Outdated()
    assert said == []


def test_an_edited_a_new_and_a_deleted_query_are_published(project: Project, sources: Path) -> None:
    """Whoever writes a query sees its rows without running the whole workflow."""
    os.utime(sources / "t.sql", (1, 1))
    (sources / "u.sql").write_text("SELECT * FROM range(3)")
    os.utime(sources / "u.sql", (1, 1))
    assert publish_outdated(project, lambda _: None).published == ["shop"]
    assert _rows(project) == {"t": 1, "u": 3}

    _edit(sources / "t.sql", "SELECT * FROM range(7)")
    assert publish_outdated(project, lambda _: None).published == ["shop"]
    assert _rows(project) == {"t": 7, "u": 3}

    (sources / "t.sql").unlink()
    assert publish_outdated(project, lambda _: None).published == ["shop"]
    assert _rows(project) == {"u": 3}


def test_a_query_with_a_fault_leaves_what_was_published(project: Project, sources: Path) -> None:
    """The dashboards go on with the last good data, and the fault is said with its place."""
    _edit(sources / "t.sql", "SELECT nosuch")
    said: list[str] = []

    outdated = publish_outdated(project, said.append)

    assert outdated.published == []
    assert _rows(project) == {"t": 1}
    assert "sources/t.sql, line 1" in said[-1]
    (fault,) = outdated.faults
    assert fault.startswith("shop: src/dataflow/workflows/shop/evidence/sources/t.sql, line 1: ")


def test_what_a_failed_run_left_out_is_no_fault_of_the_queries(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A first run that fails before the models leaves a warehouse without their tables."""
    add_workflow("shop", sources={"t": "SELECT * FROM marts.t"}, warehouse="SELECT 1")
    note_run(project, "shop", {"status": "failure", "ended_at": "2026-01-01T00:00:00+00:00"})

    assert publish_outdated(project, lambda _: None) == Outdated()


def test_a_workflow_that_never_ran_is_passed_over(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """There is nothing to publish before the first run, and that is no fault."""
    add_workflow("shop", sources={"t": "SELECT 1 AS a"})
    said: list[str] = []

    assert publish_outdated(project, said.append) == Outdated()
    assert said == []


def test_deleted_state_is_made_again(project: Project, sources: Path) -> None:
    """`.dataflow` can be deleted: the warehouse has everything."""
    SiteFolders.of(project).manifest.unlink()

    assert publish_outdated(project, lambda _: None).published == ["shop"]
    assert _rows(project) == {"t": 1}


def test_a_build_publishes_nothing_into_a_shared_place(
    project: Project, sources: Path, tmp_path: Path
) -> None:
    """The tables of this machine may be older than those that another one has published."""
    (tmp_path / "shared").mkdir()
    setting = f'[tool.dataflow]\npublish_target = "{tmp_path / "shared"}"\n'
    (project.root / "pyproject.toml").write_text(setting)
    _edit(sources / "t.sql", "SELECT 2 AS a")

    assert publish_outdated(Project(project.root), lambda _: None) == Outdated()
    assert list((tmp_path / "shared").iterdir()) == []
