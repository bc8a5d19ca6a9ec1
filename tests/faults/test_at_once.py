"""Runs, builds and readers of one workflow at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.dashboard_fixtures import new_project, write_warehouse, write_workflow
from tests.faults.conftest import Shop
from tests.service_fixtures import until

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.publish.parquet import publish_workflow
from dataflow_tools.dashboards.public import replace_public
from dataflow_tools.site.site_folder import assemble_site

HOOK = {
    "target": "dataflow.warehouse.load:count_rows",
    "call": 1,
    "when": "after",
    "action": "stop",
}


@pytest.mark.slow
@pytest.mark.parametrize("end", ["ends", "is killed"])
def test_a_second_run_waits_until_the_first(shop: Shop, end: str) -> None:
    """In the middle of a load, too; who may not wait is told who holds the workflow."""
    shop.configure("write_disposition: replace", "write_disposition: merge")
    shop.write_rows(3, 4, amount=2.0)
    first = shop.start(hooks=[HOOK])
    first.wait_until_stopped()
    second = shop.start()
    holder = f"process {first.pid}"
    until(lambda: f"waiting for {holder}" in second.err.read_text(), "waiting")
    shop.run(env={"DATAFLOW_LOCK_TIMEOUT_SECONDS": "0"}).is_told(holder, "Wait for that run")
    if end == "ends":
        first.go_on()
        assert first.wait().code == 0
    else:
        first.kill()
    assert second.wait().code == 0
    assert shop.raw() == shop.published() == [(1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]


@pytest.mark.slow
def test_a_site_is_built_while_runs_publish(tmp_path: Path) -> None:
    """Neither breaks the other: what is put in its place is whole, and the data is the newest."""
    project = new_project(tmp_path / "shop")
    sources = {f"t{number}": f"SELECT {number} AS n, * FROM t" for number in range(5)}
    write_workflow(project, "sales", sources=sources, warehouse="CREATE TABLE t AS SELECT 0 AS v")
    publish_workflow(project, "sales")
    folders = SiteFolders.of(project)
    built = threading.Event()
    faults: list[BaseException] = []

    def publish() -> None:
        try:
            for number in range(1, 10_000):
                write_warehouse(project, "sales", f"UPDATE t SET v = {number}")
                publish_workflow(project, "sales", stale_after=0)
                if built.is_set():
                    return
        except BaseException as error:
            faults.append(error)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for number in range(150):
            site = tmp_path / "built"
            for name in ("index.html", "_app/immutable/a.js"):
                (site / name).parent.mkdir(parents=True, exist_ok=True)
                (site / name).write_text(str(number))
            replace_public(site, folders)
            assert (folders.public / "index.html").read_text() == str(number)
            if number % 10 == 0:
                assert assemble_site(project, "build").pages
    finally:
        built.set()
        publisher.join()
    assert faults == []
    files = read_manifest(folders).tables["sales"]
    assert len(files) == 7
    assert all((folders.public / name).is_file() for name in files)
