"""What becomes of tables that were published when a workflow is published again, or fails."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.dashboard_fixtures import AddWorkflow, read_published, write_warehouse

from dataflow.publish.errors import PublishError
from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project


def test_a_failure_leaves_what_was_published(project: Project, add_workflow: AddWorkflow) -> None:
    """The dashboards go on showing the last good data, and nothing is left lying about."""
    add_workflow("shop", sources={"a": "SELECT 1 AS x"}, warehouse="SELECT 1")
    publish_workflow(project, "shop")
    folders = SiteFolders.of(project)
    before = folders.manifest.read_bytes()

    add_workflow("shop", sources={"b": "SELECT nosuch"})
    with pytest.raises(PublishError):
        publish_workflow(project, "shop")

    assert folders.manifest.read_bytes() == before
    assert read_published(project, "shop", "a").fetchall() == [(1.0,)]
    assert list(folders.staging.iterdir()) == []


def test_the_same_data_keeps_its_address_and_new_data_gets_a_new_one(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """A browser's copy of an unchanged table stays good; a changed one is never mistaken for it."""
    folders = SiteFolders.of(project)
    warehouse = "CREATE OR REPLACE TABLE n AS SELECT * FROM range({})"
    sources = {"same": "SELECT 1 AS a", "grows": "SELECT * FROM n"}
    add_workflow("shop", sources=sources, warehouse=warehouse.format(3))

    publish_workflow(project, "shop")
    before = {path.rsplit("/", 1)[1]: path for path in read_manifest(folders).tables["shop"]}
    write_warehouse(project, "shop", warehouse.format(4))
    publish_workflow(project, "shop")
    after = {path.rsplit("/", 1)[1]: path for path in read_manifest(folders).tables["shop"]}

    assert after["same.parquet"] == before["same.parquet"]
    assert after["grows.parquet"] != before["grows.parquet"]
    assert (folders.public / before["grows.parquet"]).exists(), "an open page still reads it"


def test_replaced_versions_go_when_their_grace_is_over(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Old versions do not pile up, and what is shown is never deleted."""
    add_workflow("shop", sources={"t": "SELECT * FROM n"}, warehouse="CREATE TABLE n (a INTEGER)")
    for value in range(3):
        write_warehouse(project, "shop", f"INSERT INTO n VALUES ({value})")
        publish_workflow(project, "shop", stale_after=0)

    assert len(list((SiteFolders.of(project).data / "shop").glob("t/*/t.parquet"))) == 1
    assert len(read_published(project, "shop", "t").fetchall()) == 3


def test_a_table_whose_query_was_deleted_disappears(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """The published tables are those of the source files, no more."""
    folder = add_workflow(
        "shop", sources={"a": "SELECT 1 AS x", "b": "SELECT 2 AS x"}, warehouse="SELECT 1"
    )
    publish_workflow(project, "shop")
    (folder / "evidence" / "sources" / "b.sql").unlink()
    publish_workflow(project, "shop")

    names = [Path(path).stem for path in read_manifest(SiteFolders.of(project)).tables["shop"]]
    assert names == ["a", "descriptions", "published"]


def test_workflows_that_publish_at_once_keep_each_others_entries(
    project: Project, add_workflow: AddWorkflow
) -> None:
    """Two runs that end together are both shown."""
    names = [f"w{number}" for number in range(4)]
    for name in names:
        add_workflow(name, sources={"t": f"SELECT '{name}' AS x"}, warehouse="SELECT 1")
    threads = [threading.Thread(target=publish_workflow, args=(project, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name: read_published(project, name, "t").fetchall() for name in names} == {
        name: [(name,)] for name in names
    }


@pytest.mark.slow
def test_a_reader_never_meets_half_of_a_change(project: Project, add_workflow: AddWorkflow) -> None:
    """At every moment the manifest is whole and both its tables are of one publish."""
    sources = {"a": "SELECT max(v) AS v FROM n", "b": "SELECT max(v) AS v FROM n"}
    add_workflow("shop", sources=sources, warehouse="CREATE TABLE n AS SELECT 0 AS v")
    publish_workflow(project, "shop")
    folders, ended, seen = SiteFolders.of(project), threading.Event(), list[tuple[Any, ...]]()

    def look() -> None:
        with duckdb.connect() as connection:
            while not ended.is_set():
                content = json.loads(folders.manifest.read_text())
                a, b, *_ = content["renderedFiles"]["shop"]
                values = [
                    connection.read_parquet(str(folders.public / path[7:])).fetchall()
                    for path in (a, b)
                ]
                seen.append((*values[0][0], *values[1][0]))

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(15):
        write_warehouse(project, "shop", "UPDATE n SET v = v + 1")
        publish_workflow(project, "shop")
    ended.set()
    reader.join()

    assert len(seen) > 5
    assert [pair for pair in seen if pair[0] != pair[1]] == []
