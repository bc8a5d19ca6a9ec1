"""Clients that send too much, too slowly or never to the end, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest
from tests.service_fixtures import until
from tests.web_fixtures import LARGEST_BODY, Served, read_answer, served

from dataflow.service import client_limits
from dataflow.service.web_access import WebAccess

HEAD = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MIB = 1 << 20


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server with the patience of a test."""
    monkeypatch.setattr(client_limits, "SECONDS_FOR_A_HEADER", 1.0)
    monkeypatch.setattr(client_limits, "SECONDS_FOR_A_BODY", 1.5)
    monkeypatch.setattr(client_limits, "SECONDS_TO_TAKE_AN_ANSWER", 1.5)
    monkeypatch.setattr(client_limits, "MOST_INCOMPLETE", 40)
    with served(WebAccess(frozenset())) as found:
        yield found


def seconds_to_answer(server: Served) -> float:
    """How long somebody waits who asks for something ordinary."""
    begun = time.monotonic()
    assert server.ask("GET /ordinary HTTP/1.1\nHost: localhost\n")[0] == 200
    return time.monotonic() - begun


def send_all(opened: socket.socket, content: Callable[[], bytes], size: int) -> bool:
    """Send, without reading, as most programs do; whether all of it could be sent."""
    sent = 0
    try:
        while sent < size:
            part = content()
            opened.sendall(part)
            sent += len(part)
    except OSError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("lines", [True, False])
def test_an_endless_header_is_refused_and_stalls_nobody(server: Served, lines: bool) -> None:
    """66 MiB of many headers, or of one: 431, which who has sent it all can still read."""
    part = (b"X-Filling: " + b"x" * 1_000 + b"\r\n") * 60 if lines else b"x" * 65_536
    slowest = 0.0
    with server.connect() as opened:
        opened.sendall(HEAD.encode() + b"X-First: ")
        is_sent: list[bool] = []
        sender = threading.Thread(
            target=lambda: is_sent.append(send_all(opened, lambda: part, 66 * MIB))
        )
        sender.start()
        while sender.is_alive():
            slowest = max(slowest, seconds_to_answer(server))
        assert is_sent == [True]
        answer = read_answer(opened)
    assert answer.startswith("HTTP/1.1 431 ")
    assert "65,536" in answer
    assert slowest < 1.0
    assert "POST /x" not in server.reached


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("size", [2 * LARGEST_BODY, 50 * MIB])
def test_a_413_reaches_who_reads_only_when_all_is_sent(
    server: Served, size: int, chunked: bool
) -> None:
    """Whether the size is said at the beginning or counted on the way."""
    with server.connect() as opened:
        if chunked:
            opened.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
            part = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
            assert send_all(opened, lambda: part, size)
            opened.sendall(b"0\r\n\r\n")
        else:
            opened.sendall(f"{HEAD}Content-Length: {size}\r\n\r\n".encode())
            part = b"x" * 65_536
            assert send_all(opened, lambda: part, size - size % 65_536)
            opened.sendall(b"x" * (size % 65_536))
        answer = read_answer(opened)
        assert answer.startswith("HTTP/1.1 413 ")
        assert "1,048,576" in answer
        assert opened.recv(1) == b""
    assert "POST /x" not in server.reached


@pytest.mark.slow
def test_a_413_reaches_ordinary_clients(server: Served) -> None:
    """Httpx is told every time, and not that its connection was lost."""
    url = f"http://127.0.0.1:{server.port}/x"
    header = {"Content-Type": "application/json"}
    for _ in range(10):
        assert httpx.post(url, content=b"x" * 20 * MIB, headers=header).status_code == 413


def test_who_waits_to_be_told_to_go_on_is_told_no(server: Served) -> None:
    """As curl does with a large file: it need not be sent for a 413."""
    with server.connect() as opened:
        expecting = f"Content-Length: {5 * MIB}\r\nExpect: 100-continue\r\n\r\n"
        opened.sendall((HEAD + expecting).encode())
        assert read_answer(opened).startswith("HTTP/1.1 413 ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"", None),
        (b"GET / HTT", 408),
        (HEAD.encode(), 408),
        (f"{HEAD}Content-Length: 1000\r\n\r\n{{".encode(), None),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{{".encode(), None),
    ],
)
def test_half_a_request_is_given_up(server: Served, begun: bytes, status: int | None) -> None:
    """At once, a few bytes now and then do not keep it, and the application does not see it."""
    started = time.monotonic()
    with server.connect() as opened:
        opened.sendall(begun)
        opened.settimeout(0.3)
        answer = b""
        while time.monotonic() - started < 10:
            try:
                part = opened.recv(1000)
            except TimeoutError:
                if begun:
                    send_all(opened, lambda: b"x", 1)
                continue
            except ConnectionResetError:
                break
            if not part:
                break
            answer += part
    assert time.monotonic() - started < 5
    if status is not None:
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert "POST /x" not in server.reached


@pytest.mark.slow
def test_a_slow_but_steady_body_is_waited_for(server: Served) -> None:
    """The time grows with what comes: a slow line is no reason to be refused."""
    size = 60_000
    with server.connect() as opened:
        opened.sendall(f"{HEAD}Content-Length: {size}\r\n\r\n".encode())
        for _ in range(10):
            time.sleep(0.3)
            opened.sendall(b"x" * (size // 10))
        assert read_answer(opened).endswith(f"taken {size}")


def test_many_half_requests_keep_nobody_out(server: Served) -> None:
    """Hundreds of connections that send half a header or half a body: others are answered."""
    opened = []
    try:
        for number in range(300):
            connection = server.connect()
            half = HEAD if number % 2 else f"{HEAD}Content-Length: 1000\r\n\r\n{{"
            connection.sendall(half.encode())
            opened.append(connection)
        assert max(seconds_to_answer(server) for _ in range(20)) < 1.0
        assert len(client_limits.BoundedProtocol._incomplete) <= 40
    finally:
        for connection in opened:
            connection.close()


@pytest.mark.slow
def test_who_takes_no_answer_is_let_go(server: Served) -> None:
    """A client that asks for much and reads nothing does not keep its connection."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(30)
    with opened:
        opened.connect(("127.0.0.1", server.port))
        opened.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")

        def kept() -> list[object]:
            connections = psutil.Process().net_connections("tcp")
            return [c for c in connections if c.laddr.port == server.port and c.raddr]

        until(lambda: "GET /large" in server.reached and kept(), "the connection", 10)
        until(lambda: not kept(), "its end", 10)
    assert seconds_to_answer(server) < 1.0


@pytest.mark.slow
def test_a_connection_is_used_again_and_websockets_stay(server: Served) -> None:
    """The limits are for what is owed: neither a pause between requests nor a quiet socket."""
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{server.port}/ws") as talking:
        with server.connect() as opened:
            for _ in range(3):
                opened.sendall(b"GET /again HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert read_answer(opened).endswith("taken 0")
                time.sleep(0.6)
        time.sleep(2)
        talking.send("still here")
        assert talking.recv(timeout=5) == "still here"
