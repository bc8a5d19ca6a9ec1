from __future__ import annotations

import threading

from tests.dashboard_fixtures import AddWorkflow

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import forget_workflows, note_run, read_manifest
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project


def test_nothing_published_is_an_empty_manifest(project: Project) -> None:
    """Before the first run there is nothing to read, and that is no error."""
    manifest = read_manifest(SiteFolders.of(project))

    assert (manifest.tables, manifest.workflows) == ({}, {})


def test_the_last_run_is_noted_beside_what_was_published(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A failed run shows on the index page, and the good data before it stays."""
    add_workflow("shop", sources={"t": "SELECT 1 AS a"}, warehouse="SELECT 1")
    publish_workflow(project, "shop")
    run = {"status": "failure", "ended_at": "2026-01-01T00:00:00+00:00"}

    note_run(project, "shop", run)

    manifest = read_manifest(SiteFolders.of(project))
    assert manifest.workflows["shop"]["run"] == run
    assert manifest.workflows["shop"]["rows"] == {"t": 1}
    assert len(manifest.tables["shop"]) == 3
    publish_workflow(project, "shop")
    assert read_manifest(SiteFolders.of(project)).workflows["shop"]["run"] == run


def test_runs_noted_at_once_are_all_kept(project: Project) -> None:
    """Many runs may end in one moment."""
    names = [f"w{number}" for number in range(20)]
    threads = [
        threading.Thread(target=note_run, args=(project, name, {"status": "success"}))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(read_manifest(SiteFolders.of(project)).workflows) == set(names)


def test_removed_workflows_are_forgotten_with_their_files(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Data of a deleted workflow does not stay on the site."""
    folders = SiteFolders.of(project)
    for name in ("stays", "goes"):
        add_workflow(name, sources={"t": "SELECT 1 AS a"}, warehouse="SELECT 1")
        publish_workflow(project, name)

    assert forget_workflows(folders, {"stays"}) == ["goes"]
    assert forget_workflows(folders, {"stays"}) == []

    assert set(read_manifest(folders).tables) == {"stays"}
    assert [path.name for path in folders.data.iterdir() if path.is_dir()] == ["stays"]
