"""Dashboards whose data lies in a shared place, as a browser asks for it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path

import pytest
from tests.browser_fixtures import site_server
from tests.object_store_fixtures import Faults, forget_stores, s3_bucket, s3_faults, s3_server
from tests.runtime.publish.test_publish_target import machine, publish, set_number

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import read_manifest
from dataflow.service.dashboard_server import serve_site
from dataflow.service.published_data import PublishedData
from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.project import Project
from dataflow.shared.store_address import _opened

__all__ = ["forget_stores", "s3_bucket", "s3_faults", "s3_server"]


pytestmark = pytest.mark.slow


@pytest.fixture
def machines(s3_bucket: str, s3_faults: Faults, tmp_path: Path) -> tuple[Project, Project]:
    """One that runs workflows, and one that shows dashboards."""
    _opened.cache_clear()
    runs = machine(tmp_path / "runs", f"{s3_bucket}/site", sales=1)
    return runs, machine(tmp_path / "shows", f"{s3_bucket}/site")


@pytest.fixture
def address(machines: tuple[Project, Project]) -> Iterator[str]:
    """The dashboards' server of the second machine."""
    folders = SiteFolders.of(machines[1])
    folders.public.mkdir(parents=True)
    (folders.public / "index.html").write_text("the page")
    assert folders.target is not None
    with site_server(folders.public, data=PublishedData(folders, folders.target)) as url:
        yield url.removeprefix("http://")


def ask(
    address: str, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, Message, bytes]:
    """The answer to a request."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path, headers=dict(headers or {}))
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result


def table_file(project: Project) -> str:
    """Where the table of the workflow `sales` is now."""
    names = read_manifest(SiteFolders.of(project)).tables["sales"]
    return next(name for name in names if "/t/" in name)


def test_a_reload_shows_what_another_machine_published(
    machines: tuple[Project, Project], address: str
) -> None:
    """The manifest is asked for anew each time, and answered with a tag where it is the same."""
    runs, _ = machines
    assert ask(address, "/data/manifest.json")[0] == 404
    publish(runs, "sales")
    status, headers, body = ask(address, "/data/manifest.json")
    assert (status, headers["cache-control"]) == (200, "no-cache")
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["renderedFiles"]["sales"]
    known = {"if-none-match": headers["etag"]}
    assert ask(address, "/data/manifest.json", known)[0] == 304
    set_number(runs, "sales", 2)
    publish(runs, "sales")
    status, _, body = ask(address, "/data/manifest.json", known)
    assert (status, table_file(runs) in body.decode()) == (200, True)


def test_tables_come_in_parts_and_once_from_the_store(
    machines: tuple[Project, Project], address: str, s3_faults: Faults
) -> None:
    """Ranges and tags work, a second request stays on this machine, and nothing else is served."""
    runs, _ = machines
    publish(runs, "sales")
    path = f"/{table_file(runs)}"
    s3_faults.asked.clear()
    status, headers, whole = ask(address, path)
    assert (status, whole[:4], whole[-4:]) == (200, b"PAR1", b"PAR1")
    assert headers["content-type"] == "application/vnd.apache.parquet"
    status, headers, part = ask(address, path, {"range": "bytes=4-9"})
    assert (status, part) == (206, whole[4:10])
    assert headers["content-range"] == f"bytes 4-9/{len(whole)}"
    assert ask(address, path, {"if-none-match": headers["etag"]})[0] == 304
    assert len([each for each in s3_faults.asked if each.startswith("GET")]) == 1

    for other in (path.replace("/t/", "/u/"), "/data/x.json", "/data/sales/t/..%2f/t.parquet"):
        assert ask(address, other)[0] == 404
    assert ask(address, "/data/%2e%2e/%2e%2e/%2e%2e/%2e%2e/pyproject.toml")[2] != b"[tool.dataflow]"


def test_dashboards_outlast_a_store_that_is_away(
    machines: tuple[Project, Project], address: str, s3_faults: Faults
) -> None:
    """What was seen last is shown on; what was never seen is one clear answer."""
    runs, _ = machines
    publish(runs, "sales")
    path = f"/{table_file(runs)}"
    other = path.replace("/t/", "/never/")
    manifest, table = ask(address, "/data/manifest.json")[2], ask(address, path)[2]
    s3_faults.stop()
    assert ask(address, "/data/manifest.json")[2] == manifest
    assert ask(address, path)[2] == table
    status, _, body = ask(address, other)
    assert (status, b"cannot be reached" in body) == (503, True)
    s3_faults.start()
    assert ask(address, other)[0] == 404


def test_a_missing_package_is_told_before_anything_is_served(tmp_path: Path) -> None:
    """Not to each browser, page by page."""
    shows = machine(tmp_path / "shows", "gs://bucket/site")
    public = SiteFolders.of(shows).public
    public.mkdir(parents=True)
    (public / "index.html").write_text("the page")
    with pytest.raises(MissingDependencyError, match=r"dataflow-runtime\[gcs\]"):
        serve_site(shows, "127.0.0.1", 1)
