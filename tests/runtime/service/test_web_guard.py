"""What reaches a server and what does not, as raw requests over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web_fixtures import Served, served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dataflow.service.web_access import WebAccess
from dataflow.shared.errors import BadInputError
from dataflow.shared.settings import load_settings

POST = "POST /x HTTP/1.1\nHost: {host}\n"
JSON = "Content-Type: application/json\nContent-Length: 2\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text(
        "[tool.dataflow]\n"
        'allowed_hosts = ["data.example.org", "*.shops.example", "10.1.2.3"]\n'
        'public_url = "https://ui.example.org/"\n'
        'dagster_url = "http://dagster:3000"\n'
    )
    return root


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Served]:
    """A server as `dataflow up` has it, on 127.0.0.1."""
    access = WebAccess.to("127.0.0.1", load_settings(project), ["https://shop.example"])
    with served(access) as found:
        yield found


def is_refused(server: Served, text: str, status: int, body: bytes = b"") -> None:
    """It is a problem document that says what to do, and the application saw nothing."""
    before = list(server.reached)
    given, answer = server.ask(text, body)
    assert given == status, answer
    assert "application/problem+json" in answer
    document = json.loads(answer.partition("\r\n\r\n")[2])
    assert document["detail"]
    assert document["instruction"]
    assert server.reached == before


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:1", "localhost.", "shop.localhost:3000", "127.0.0.1:99"),
        *("127.9.9.9", "[::1]:8000", "data.example.org", "north.shops.example:443"),
        *("a.b.shops.example", "10.1.2.3:8000", "ui.example.org", "dagster:3000"),
    ],
)
def test_the_names_of_a_server_are_answered(server: Served, host: str) -> None:
    """localhost, loopback, the address bound, and what the settings name; any port, any case."""
    assert server.ask(f"GET / HTTP/1.1\nHost: {host}\n")[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example"),
        *("shops.example", "evilshops.example", "data.example.org.evil.example", "203.0.113.9"),
        *("0.0.0.0", "10.1.2.4", "0x7f.1", "2130706433", "127.1", "localhost@evil.example"),  # noqa: S104
        *("evil.example#localhost", "localhost:80:80", "localhost/evil.example", "", "[::2]"),
        *("localhost, evil.example", "localhost\nHost: evil.example", "x" * 5_000),
    ],
)
def test_any_other_name_is_refused(server: Served, host: str) -> None:
    """Whoever points a name of their own at this machine, or writes one that looks like ours."""
    status, answer = server.ask(f"GET / HTTP/1.1\nHost: {host}\n")
    # Two of them, or none, is refused by HTTP itself.
    assert status == 421 or (status == 400 and "Invalid HTTP request" in answer)
    assert max(map(len, answer.split('"')), default=0) < 300


def test_a_request_without_a_name_is_no_browsers(server: Served) -> None:
    """HTTP/1.0 of a probe is answered; HTTP/1.1 has to say the name."""
    assert server.ask("GET / HTTP/1.0\n")[0] == 200
    assert server.ask("GET / HTTP/1.1\n")[0] == 400


def test_a_server_on_all_addresses_has_any_numeric_one(project: Path) -> None:
    """Behind a container's port the caller's address is not one that the server can know."""
    access = WebAccess.to("0.0.0.0", load_settings(project))  # noqa: S104
    with served(access) as found:
        for host in ("203.0.113.9:3000", "[2001:db8::7]", "127.0.0.1", "localhost"):
            assert found.ask(f"GET / HTTP/1.1\nHost: {host}\n")[0] == 200
        is_refused(found, "GET / HTTP/1.1\nHost: evil.example\n", 421)


def test_a_star_stands_for_any_name() -> None:
    """Of names; pages of other origins are as foreign as before."""
    with served(WebAccess(frozenset({"*"}))) as found:
        assert found.ask("GET / HTTP/1.1\nHost: anything.example\n")[0] == 200
        is_refused(found, "GET / HTTP/1.1\nHost: a.example\nOrigin: http://b.example\n", 403)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:3000", "http://localhost:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        # Behind a proxy that speaks TLS and passes the name on.
        ("data.example.org", "https://data.example.org"),
        ("data.example.org:8443", "https://data.example.org:8443"),
        # Behind one that does not, by the setting public_url.
        ("127.0.0.1:3000", "https://ui.example.org"),
        # A page that api_cors_origins names.
        ("localhost:8000", "https://shop.example"),
    ],
)
def test_a_servers_own_pages_may_change_things(server: Served, host: str, origin: str) -> None:
    """And those that the project's settings name."""
    head = POST.format(host=host) + f"Origin: {origin}\nSec-Fetch-Site: same-origin\n{JSON}"
    assert server.ask(head, b"{}")[0] == 200


@pytest.mark.parametrize(
    "said",
    [
        *("Origin: http://localhost:3001", "Origin: http://127.0.0.1:3000", "Origin: null"),
        *("Origin: http://evil.example", "Origin: http://localhost:3000.evil.example"),
        *("Origin: http://localhost", "Origin: ", "Origin: http://localhost:3000@evil.example"),
        *("Origin: chrome-extension://abc", "Origin: file://", "Origin: http://[", "Origin: x"),
        "Origin: http://localhost:3000\nOrigin: http://evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: same-origin\nSec-Fetch-Site: cross-site",
        "Origin: http://localhost:3000\nSec-Fetch-Site: cross-site",
    ],
)
def test_pages_of_other_origins_are_refused(server: Served, said: str) -> None:
    """They neither change nor read anything; a preflight is refused too, so no more comes."""
    host = "localhost:3000"
    is_refused(server, POST.format(host=host) + f"{said}\n{JSON}", 403, b"{}")
    is_refused(server, POST.format(host=host) + f"{said}\nContent-Length: 0\n", 403)
    is_refused(server, f"GET /x HTTP/1.1\nHost: {host}\n{said}\n", 403)
    asked = "Access-Control-Request-Method: POST\n"
    is_refused(server, f"OPTIONS /x HTTP/1.1\nHost: {host}\n{said}\n{asked}", 403)


def test_a_link_from_elsewhere_is_followed_but_not_into_a_frame(server: Served) -> None:
    """In a frame, a page could lay a button of its own over one of ours."""
    link = (
        "GET /x HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\n"
    )
    assert server.ask(f"{link}Sec-Fetch-Dest: document\n")[0] == 200
    for kind in ("iframe", "frame", "embed", "object"):
        is_refused(server, f"{link}Sec-Fetch-Dest: {kind}\n", 403)
    form = link.replace("GET", "POST")
    is_refused(server, f"{form}Sec-Fetch-Dest: document\n{JSON}", 403, b"{}")
    _, answer = server.ask("GET /x HTTP/1.1\nHost: localhost\n")
    for header in (
        "x-frame-options: SAMEORIGIN",
        "content-security-policy: frame-ancestors 'self'",
        "cross-origin-resource-policy: same-origin",
    ):
        assert header in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "TEXT/PLAIN", "text/plain; x=application/json", " text/plain ;"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", " "),
        "text/plain\nContent-Type: application/json",
        "application/json\nContent-Type: text/plain",
    ],
)
def test_bodies_that_any_page_may_send_are_refused(server: Served, method: str, kind: str) -> None:
    """A browser sends these to another origin without asking; JSON it asks about."""
    head = f"{method} /x HTTP/1.1\nHost: localhost\nContent-Type: {kind}\nContent-Length: 2\n"
    is_refused(server, head, 415, b"{}")


def test_programs_are_served_as_before(server: Served) -> None:
    """Curl and Python's clients: no origin, JSON with its type, or a POST of nothing at all."""
    head = POST.format(host="localhost:8000")
    for more in ("", "Content-Length: 0\n", "User-Agent: curl/8\nAccept: */*\n"):
        assert server.ask(head + more)[0] == 200
    for kind in ("application/json", "application/json; charset=utf-8", "application/graphql"):
        told = server.ask(f"{head}Content-Type: {kind}\nContent-Length: 2\n", b"{}")[1]
        assert told.endswith("taken 2")
    chunked = f"{head}Content-Type: application/json\nTransfer-Encoding: chunked\n"
    assert server.ask(chunked, b"2\r\n{}\r\n0\r\n\r\n")[1].endswith("taken 2")
    for typeless in ("Content-Length: 2\n", "Transfer-Encoding: chunked\n"):
        is_refused(
            server, head + typeless, 415, b"2\r\n{}\r\n0\r\n\r\n"[: 2 if "2" in typeless else 99]
        )


def test_websockets_ask_for_the_same(server: Served) -> None:
    """The server's own pages and programs talk; other pages and names are turned away."""
    url = f"ws://127.0.0.1:{server.port}/ws"
    for origin in (None, f"http://127.0.0.1:{server.port}"):
        with connect(url, origin=origin) as talking:  # type: ignore[arg-type]
            talking.send("hello")
            assert talking.recv(timeout=10) == "hello"
    before = list(server.reached)
    for origin, headers in [
        ("http://evil.example", {}),
        ("null", {}),
        (f"http://localhost:{server.port}", {}),
        (None, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
    ]:
        with pytest.raises(InvalidStatus, match="403"):
            connect(url, origin=origin, additional_headers=headers)  # type: ignore[arg-type]
    status, _ = server.ask(
        "GET /ws HTTP/1.1\nHost: evil.example\nConnection: Upgrade\nUpgrade: websocket\n"
        "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
    )
    assert status == 403
    assert server.reached == before


@pytest.mark.parametrize(
    "written",
    [
        'allowed_hosts = ["https://data.example"]',
        'allowed_hosts = ["data.example:8000"]',
        'allowed_hosts = ["a*.example"]',
        'public_url = "data.example"',
        'public_url = "https://data.example/dagster"',
    ],
)
def test_a_setting_that_would_never_match_is_refused(tmp_path: Path, written: str) -> None:
    """A scheme, a port or a path where only a name can stand."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.dataflow]\n{written}\n")
    with pytest.raises(BadInputError, match=written.split()[0]):
        load_settings(tmp_path)
