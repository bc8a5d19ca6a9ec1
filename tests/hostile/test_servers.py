"""All three servers of a project, as `dataflow up` runs them, against raw sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from tests.service_fixtures import Service, running, write_project, write_site, write_workflow
from tests.web_fixtures import read_answer

pytestmark = pytest.mark.slow

SERVERS = ("dagster", "api", "evidence")
READY = {"dagster": "/server_info", "api": "/livez", "evidence": "/"}
LAUNCH = (
    'mutation { launchRun(executionParams: {selector: {repositoryName: "__repository__", '
    'repositoryLocationName: "dataflow", jobName: "brief_job"}, runConfigData: {}, '
    'mode: "default"}) { __typename } }'
)
MIB = 1 << 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """All three servers of a project with one workflow and a dashboard."""
    root = write_project(tmp_path_factory.mktemp("service") / "shop")
    write_workflow(root, "brief")
    write_site(root)
    with running(root) as up:
        yield up


def port(service: Service, server: str) -> int:
    return int(service.env[f"DATAFLOW_{server.upper()}_PORT"])


def seconds_to_answer(service: Service, server: str) -> float:
    begun = time.monotonic()
    url = f"http://127.0.0.1:{port(service, server)}{READY[server]}"
    assert httpx.get(url, trust_env=False, timeout=60).status_code == 200
    return time.monotonic() - begun


@pytest.mark.parametrize("server", SERVERS)
def test_names_and_pages_are_looked_at_by_each(service: Service, server: str) -> None:
    """The same guard stands before all three, also for probes and programs, which it lets by."""
    url = f"http://127.0.0.1:{port(service, server)}{READY[server]}"
    for headers, status in [
        ({}, 200),
        ({"Host": f"localhost:{port(service, server)}"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Origin": f"http://127.0.0.1:{port(service, server)}"}, 200),
    ]:
        answer = httpx.get(url, headers=headers, trust_env=False)
        assert answer.status_code == status, headers


def test_graphql_changes_nothing_by_an_address_or_a_form(service: Service) -> None:
    """Not for programs either: whoever gets a person to follow a link is none. Queries work."""
    url = f"{service.dagster_url}/graphql"
    address = f"{url}?query={quote(LAUNCH)}"
    hidden = f"{url}?query={quote('query Q { version } ' + LAUNCH)}&operationName=Q"
    several = f"{url}?query={quote('{ version }')}&query={quote(LAUNCH)}"
    json = {"Content-Type": "application/json"}
    with httpx.Client(trust_env=False, timeout=60) as client:
        for refused in (address, hidden, several, address.replace("/graphql", "/graphql/")):
            assert client.get(refused).status_code in (404, 405), refused
            assert client.post(refused).status_code in (404, 405), refused
        for kind in ("text/plain", "text/plain; x=application/json", "multipart/form-data"):
            sent = client.post(
                url, content=b'{"query": "{ version }"}', headers={"Content-Type": kind}
            )
            assert sent.status_code == 415
        assert client.get(url, params={"query": "{ version }"}).json()["data"]["version"]
        assert (
            client.post(url, content=b'{"query": "{ version }"}', headers=json).status_code == 200
        )
        page = client.get(address, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "graphiql" in page.text.lower()
    runs = service.graphql("{ runsOrError { ... on Runs { results { id } } } }")
    assert runs["runsOrError"]["results"] == []


@pytest.mark.parametrize("server", SERVERS)
def test_an_endless_header_and_half_bodies_stall_nobody(service: Service, server: str) -> None:
    """66 MiB of header and a hundred half requests: others are answered meanwhile, on each port."""
    opened = []
    half = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{"
    )
    for _ in range(100):
        connection = socket.create_connection(("127.0.0.1", port(service, server)), timeout=60)
        connection.sendall(half.encode())
        opened.append(connection)
    endless = socket.create_connection(("127.0.0.1", port(service, server)), timeout=60)

    def send() -> None:
        endless.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: ")
        for _ in range(66):
            endless.sendall(b"x" * MIB)

    sender = threading.Thread(target=send)
    sender.start()
    times = [seconds_to_answer(service, server)]
    while sender.is_alive():
        times.append(seconds_to_answer(service, server))
    assert max(times) < 3
    assert read_answer(endless).startswith("HTTP/1.1 431 ")
    for connection in (endless, *opened):
        connection.close()


@pytest.mark.parametrize("server", ["dagster", "api"])
def test_a_413_reaches_its_sender(service: Service, server: str) -> None:
    """Of 40 MiB, sent whole before anything is read."""
    path = "/graphql" if server == "dagster" else "/api/v1/workflows/brief/run"
    with socket.create_connection(("127.0.0.1", port(service, server)), timeout=60) as opened:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        opened.sendall(f"{head}Content-Length: {40 * MIB}\r\n\r\n".encode())
        for _ in range(40):
            opened.sendall(b"x" * MIB)
        assert read_answer(opened).startswith("HTTP/1.1 413 ")
