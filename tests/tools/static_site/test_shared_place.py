"""Dashboards of one machine whose data another one publishes into an object store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.browser_fixtures import OpenPage, site_server
from tests.dashboard_fixtures import new_project, write_warehouse, write_workflow
from tests.object_store_fixtures import s3_bucket, s3_server

from dataflow.publish.folders import SiteFolders
from dataflow.publish.parquet import publish_workflow
from dataflow.service.published_data import PublishedData
from dataflow.shared.project import Project
from dataflow_tools.static_site.site_build import build_site

__all__ = ["s3_bucket", "s3_server"]

TABLE = """
CREATE SCHEMA marts;
CREATE TABLE marts.cities AS SELECT 'city ' || i AS name, i * 100 AS people FROM range(40) AS t(i)
"""


def _machine(folder: Path, bucket: str, warehouse: str | None) -> Project:
    made = new_project(folder)
    (folder / "pyproject.toml").write_text(f'[tool.dataflow]\npublish_target = "{bucket}/site"\n')
    write_workflow(
        made, "cities", sources={"cities": "SELECT * FROM marts.cities"}, warehouse=warehouse
    )
    return Project(folder)


@pytest.mark.slow
def test_a_reload_shows_what_another_machine_published(
    s3_bucket: str,
    tmp_path: Path,
    shared_code: Callable[[Path], None],
    open_page: OpenPage,
) -> None:
    """Neither a build nor a file passes between the two: only the bucket does.

    A third one, as an image is, serves a copy of the pages and has built nothing.
    """
    runs = _machine(tmp_path / "runs" / "shop", s3_bucket, TABLE)
    shows = _machine(tmp_path / "shows" / "shop", s3_bucket, None)
    shared_code(shows.root)
    publish_workflow(runs, "cities")
    build_site(shows, lambda _: None)
    pages = shutil.copytree(SiteFolders.of(shows).public, tmp_path / "pages")
    folders = SiteFolders.of(_machine(tmp_path / "serves" / "shop", s3_bucket, None))
    assert folders.target is not None
    with site_server(pages, data=PublishedData(folders, folders.target)) as address:
        watched = open_page()
        watched.page.goto(f"{address}/cities/")
        watched.page.wait_for_selector("#page[data-state=ready]")
        rows = watched.page.locator("#cards > div", has_text="Rows").locator("dd")
        assert rows.inner_text() == "40"

        write_warehouse(runs, "cities", "INSERT INTO marts.cities VALUES ('new', 7)")
        publish_workflow(runs, "cities")
        watched.page.reload()
        watched.page.wait_for_selector("#page[data-state=ready]")
        assert rows.inner_text() == "41"
    assert not folders.data.exists()
    assert watched.faults == []
