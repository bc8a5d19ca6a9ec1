from __future__ import annotations

import gzip
import http.client
import socket
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path

import pytest
from tests.browser_fixtures import site_server

from dataflow.publish.folders import SiteFolders
from dataflow.service.dashboard_server import NotBuiltError, serve_site
from dataflow.service.web_server import PortInUseError, listen
from dataflow.shared.project import Project

SCRIPT = b"let answer = 42;\n" * 200
TABLE = bytes(range(256)) * 8


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small built site, served."""
    public = tmp_path_factory.mktemp("server") / "public"
    files = {
        "index.html": b"<!doctype html>the page",
        "icon.svg": b"<svg/>",
        "_app/immutable/a.js": SCRIPT,
        "_app/immutable/a.js.gz": gzip.compress(SCRIPT),
        "_app/immutable/engine.wasm": b"\0asm",
        "_app/version.json": b"{}",
        "api/pagesManifest.json": b"{}",
        "data/manifest.json": b"{}",
        "data/shop/t/1a/t.parquet": TABLE,
    }
    for name, content in files.items():
        (public / name).parent.mkdir(parents=True, exist_ok=True)
        (public / name).write_bytes(content)
    (public.parent / "secret.txt").write_text("secret")
    with site_server(public) as url:
        yield url.removeprefix("http://")


def _ask(
    address: str, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path, headers=dict(headers or {}))
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/_app/immutable/a.js", "text/javascript; charset=utf-8"),
        ("/_app/immutable/engine.wasm", "application/wasm"),
        ("/data/shop/t/1a/t.parquet", "application/vnd.apache.parquet"),
        ("/data/manifest.json", "application/json"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_browsers_are_told_what_each_file_is(address: str, path: str, media_type: str) -> None:
    """WebAssembly and modules are refused by browsers under a wrong type."""
    status, headers, _ = _ask(address, path)

    assert (status, headers["content-type"]) == (200, media_type)
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/shop", "/shop/", "/shop/daily/", "/no/such/page"])
def test_an_unknown_path_is_a_page_that_the_browser_draws(address: str, path: str) -> None:
    """A link to any page of the site opens it, also when it is typed in."""
    status, headers, body = _ask(address, path)

    assert (status, body) == (200, b"<!doctype html>the page")
    assert headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["/api/no.json", "/data/shop/t/2b/t.parquet", "/_app/immutable/no.js", "/data", "/api/"]
)
def test_programs_that_ask_for_what_is_not_there_are_told_so(address: str, path: str) -> None:
    """A missing table must not look like a web page to the query engine."""
    status, _, body = _ask(address, path)

    assert status == 404
    assert b"the page" not in body


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/..%2fsecret.txt", "/data/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt"],
)
def test_nothing_outside_the_folder_is_served(address: str, path: str) -> None:
    """Only the built site and the published data leave this machine."""
    assert b"secret" not in _ask(address, path)[2]


def test_a_part_of_a_table_can_be_asked_for(address: str) -> None:
    """The query engine reads the end of a file first, then only the columns that it needs."""
    path = "/data/shop/t/1a/t.parquet"

    status, headers, body = _ask(
        address, path, {"Range": "bytes=10-19", "Accept-Encoding": "gzip, br"}
    )

    assert (status, body) == (206, TABLE[10:20])
    assert headers["content-range"] == f"bytes 10-19/{len(TABLE)}"
    assert _ask(address, path, method="HEAD")[1]["accept-ranges"] == "bytes"
    packed = {"Range": "bytes=4-9", "Accept-Encoding": "gzip"}
    assert _ask(address, "/_app/immutable/a.js", packed)[2] == SCRIPT[4:10]
    assert _ask(address, path, {"Range": "bytes=999999-"})[0] == 416


def test_texts_travel_compressed_to_those_who_can_read_it(address: str) -> None:
    """The copy that the build made is sent as the file itself, and only on request."""
    path = "/_app/immutable/a.js"
    _, packed, body = _ask(address, path, {"Accept-Encoding": "gzip, deflate, br"})
    _, plain, text = _ask(address, path)

    assert (packed["content-encoding"], gzip.decompress(body)) == ("gzip", SCRIPT)
    assert packed["content-type"] == plain["content-type"]
    assert (plain["content-encoding"], text) == (None, SCRIPT)
    assert packed["vary"] == plain["vary"] == "accept-encoding"
    assert packed["etag"] != plain["etag"]


def test_only_files_that_never_change_are_kept_without_asking(address: str) -> None:
    """A browser asks again for everything else, and is told when it has it already."""
    assert "immutable" in _ask(address, "/_app/immutable/a.js")[1]["cache-control"]
    for path in ("/", "/data/manifest.json", "/_app/version.json", "/shop/"):
        _, headers, _ = _ask(address, path)
        again, _, body = _ask(address, path, {"If-None-Match": headers["etag"]})
        assert headers["cache-control"] == "no-cache"
        assert (again, body) == (304, b"")


def test_the_site_is_only_read(address: str) -> None:
    """Nothing can be sent to it."""
    assert _ask(address, "/data/manifest.json", method="POST")[0] == 405
    assert _ask(address, "/shop/", method="DELETE")[0] == 405


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    """Whoever starts a second server learns which address is taken and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"127\.0\.0\.1:{port}") as caught:
            listen("127.0.0.1", port)

    assert "--port" in caught.value.instruction


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.1", 9000), ("no host", 9000), ("127.0.0.1", -1)]
)
def test_an_address_that_is_not_ours_is_a_clear_error(host: str, port: int) -> None:
    """A wrong host or port is one line, not a traceback."""
    with pytest.raises(PortInUseError):
        listen(host, port)


def test_a_site_that_was_never_built_is_not_served(project: Project) -> None:
    """Whoever serves before building is told to build."""
    with pytest.raises(NotBuiltError, match="not built") as caught:
        serve_site(project, "127.0.0.1", 0)

    assert "dataflow evidence build" in caught.value.instruction
    assert not (SiteFolders.of(project).public / "index.html").exists()


@pytest.mark.slow
def test_new_data_is_served_at_once(tmp_path: Path) -> None:
    """The server keeps nothing in memory: a replaced manifest is the next answer."""
    manifest = tmp_path / "data" / "manifest.json"
    manifest.parent.mkdir()
    (tmp_path / "index.html").write_text("page")
    manifest.write_text("old")
    with site_server(tmp_path) as url:
        address = url.removeprefix("http://")
        _, headers, first = _ask(address, "/data/manifest.json")
        (tmp_path / "aside").write_text("newer")
        (tmp_path / "aside").replace(manifest)
        status, _, second = _ask(address, "/data/manifest.json", {"If-None-Match": headers["etag"]})

    assert (first, status, second) == (b"old", 200, b"newer")
