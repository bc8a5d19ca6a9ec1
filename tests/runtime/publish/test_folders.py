"""Where the dashboards lie, and whether the built site has a workflow's pages."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.folders import (
    SiteFolders,
    built_base_path,
    is_built,
    project_pages_folder,
    source_queries,
    workflow_folders,
)
from dataflow.shared.project import Project


def test_the_folders_are_where_version_0_1_left_them(project: Project) -> None:
    """A site that an older version built, and the data beside it, are found again."""
    folders = SiteFolders.of(project)
    base = project.root / ".dataflow" / "site"
    assert {
        "base": folders.base,
        "public": folders.public,
        "data": folders.data,
        "manifest": folders.manifest,
        "staging": folders.staging,
        "build_record": folders.build_record,
    } == {
        "base": base,
        "public": base / "public",
        "data": base / "public" / "data",
        "manifest": base / "public" / "data" / "manifest.json",
        "staging": base / "staging",
        "build_record": base / "built.json",
    }


def test_a_lock_can_be_taken_before_anything_was_published(project: Project) -> None:
    """The folder of the lock is made, and may be there already."""
    folders = SiteFolders(project.root / "not" / "yet")
    assert folders.lock_file("build") == folders.base / "build.lock"
    assert folders.lock_file("publish").parent.is_dir()


def test_workflows_with_dashboards_are_listed_by_name(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A workflow without an evidence folder, or a folder that is no workflow, is not among them."""
    for name in ("zoo", "shop", "plain", "stray"):
        folder = add_workflow(name, sources={"t": "SELECT 1 AS a"})
        (folder / "config.yaml").touch()
    (project.workflow_dir("stray") / "config.yaml").unlink()
    (project.workflow_dir("plain") / "evidence").rename(project.root / "elsewhere")
    assert [folder.name for folder in workflow_folders(project)] == ["shop", "zoo"]


@pytest.fixture
def built(project: Project, add_workflow: AddWorkflow) -> Path:
    """The record of a build of `shop`, whose page was written a minute before."""
    folder = add_workflow("shop", sources={"t": "SELECT 1 AS a"}) / "evidence"
    record = SiteFolders.of(project).build_record
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"workflows": ["shop"]}))
    for part, name in (("pages", "index.md"), ("components", "Total.svelte")):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / name).touch()
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000, 1_000_000))
    os.utime(record, (1_000_060, 1_000_060))
    return record


def test_a_site_built_after_the_last_edit_is_up_to_date(project: Project, built: Path) -> None:
    """Also when both happened in the same moment."""
    assert is_built(project, "shop") is True
    os.utime(built, (1_000_000, 1_000_000))
    assert is_built(project, "shop") is True


@pytest.mark.parametrize("file", ["pages/index.md", "components/Total.svelte"])
def test_a_page_or_component_written_since_is_not_in_the_site(
    project: Project, built: Path, file: str
) -> None:
    """Whoever edits a page is told to build."""
    os.utime(project.workflow_dir("shop") / "evidence" / file, (1_000_061, 1_000_061))
    assert is_built(project, "shop") is False


def test_a_query_or_another_workflow_written_since_needs_no_build(
    project: Project, built: Path, add_workflow: AddWorkflow
) -> None:
    """What a query gives is published by runs; pages of the project itself are in the site."""
    os.utime(project.workflow_dir("shop") / "evidence" / "sources" / "t.sql", (2e6, 2e6))
    add_workflow("zoo", sources={"t": "SELECT 1 AS a"})
    assert is_built(project, "shop") is True
    assert list(source_queries(project, "shop")) == ["t"]
    own = project_pages_folder(project) / "pages" / "index.md"
    own.parent.mkdir(parents=True)
    own.touch()
    assert is_built(project, "shop") is False


def test_where_the_site_stands_on_its_host(project: Project, built: Path) -> None:
    """As its build was told; without one, nowhere else."""
    folders = SiteFolders.of(project)
    assert built_base_path(folders) == ""
    built.write_text('{"base_path": "/dash"}')
    assert built_base_path(folders) == "/dash"
    built.write_text("[]")
    assert built_base_path(folders) == ""


@pytest.mark.parametrize("content", [None, "{", '{"workflows": ["zoo"]}', "{}"])
def test_a_workflow_that_no_build_has_is_not_built(
    project: Project, built: Path, content: str | None
) -> None:
    """No build yet, a record that was cut off, or a build without this workflow."""
    built.unlink() if content is None else built.write_text(content)
    assert is_built(project, "shop") is False
