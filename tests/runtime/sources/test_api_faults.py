"""Servers that are slow, break off or have had enough: waited for, tried again, or named."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import ids, js, read_api, records
from tests.source_fixtures import Answer

from dataflow.sources.errors import SourceError, SourceUnavailableError
from dataflow.sources.read import read_source

NONE = {"type": "none"}
BODY = json.dumps(records(*range(200)))


@pytest.fixture(autouse=True)
def _quick(quick: None) -> None:
    """Waits are short unless the server says how long."""


def read_soon(url: str, **source: Any) -> Any:
    timeout = source.pop("timeout_seconds", 0.3)
    source = {"type": "api", "url": url, "paging": NONE, **source}
    return read_source(source, {"max_retries": 1, "timeout_seconds": timeout, "batch_size": 10})


@pytest.mark.slow
def test_a_server_that_trickles_is_not_waited_for(server: Any) -> None:
    """A byte now and then is no answer in time, whatever the socket thinks."""
    url = server.answer("/x", Answer(BODY, pace=0.05))
    started = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="not be read in 2 attempts: it took too"):
        read_soon(url)
    assert time.monotonic() - started < 3
    assert len(server.requests) == 2


def test_a_server_that_trickles_its_headers_is_not_waited_for() -> None:
    """Nor is one that never comes to the body."""
    ended = threading.Event()

    def trickle(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            for byte in itertools.cycle(b"X"):
                connection.sendall(bytes([byte]))
                if ended.wait(0.05):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        source = {"type": "api", "url": url}
        try:
            with pytest.raises(SourceUnavailableError, match="it took too long"):
                read_source(source, {"max_retries": 0, "timeout_seconds": 0.3})
        finally:
            ended.set()
            thread.join()


@pytest.mark.slow
def test_a_large_answer_may_take_longer_than_the_time_out(server: Any) -> None:
    """While enough of it comes."""
    body = json.dumps([{"id": number, "text": "x" * 50} for number in range(60)])
    url = server.answer("/x", Answer(body, pace=0.05, step=200))
    started = time.monotonic()
    assert len(ids(read_soon(url, timeout_seconds=0.6))) == 60
    assert time.monotonic() - started > 0.9


CUT = {
    "in the body": Answer(BODY, cut=100),
    "in the chunks": Answer(BODY, chunked="unfinished"),
    "shorter than it says": Answer(BODY[:50], headers={"Content-Length": str(len(BODY))}, cut=50),
    "in what is compressed": Answer(
        gzip.compress(BODY.encode())[:-9], headers={"Content-Encoding": "gzip"}
    ),
    "in the lines": Answer(
        '{"id": 1}\n{"id": 2}\n',
        headers={"Content-Type": "application/x-ndjson"},
        chunked="unfinished",
    ),
    "in the CSV": Answer("id\n1\n2\n", headers={"Content-Type": "text/csv"}, chunked="unfinished"),
}


@pytest.mark.parametrize("where", CUT)
def test_an_answer_that_is_cut_is_asked_for_again(server: Any, where: str) -> None:
    """Fewer rows are never taken for all."""
    good = {"in the lines": '{"id": 1}', "in the CSV": "id\n1\n"}.get(where)
    whole = Answer(good, headers=CUT[where].headers) if good else Answer(BODY)
    url = server.answer("/x", CUT[where], whole)
    assert ids(read_soon(url)) == ([1] if good else list(range(200)))
    with pytest.raises(SourceUnavailableError, match="in 2 attempts"):
        read_soon(server.answer("/y", CUT[where]))


H = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"
STRANGE = {
    "ends with its connection": (H + b'\r\n[{"id": 1', "broke off in the middle"),
    "a range of bytes": (
        b"HTTP/1.1 206 P\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nid\n1\n",
        "a part of the answer",
    ),
    "no HTTP": (b"\x00\x01garbage" + b"x" * 500 + b"\r\n\r\n", "could not be read in 2 attempts"),
    "two lengths": (H + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", "cannot be read"),
    "an unknown compression": (H + b"Content-Encoding: br\r\n\r\nabc", "compressed as 'br'"),
    "a broken chunk": (
        H.replace(b"1.0", b"1.1") + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
        "broke off in the middle",
    ),
}


@pytest.mark.parametrize("what", STRANGE)
def test_strange_answers_are_named(what: str) -> None:
    """On one printable line each, and never read as fewer rows."""
    payload, said = STRANGE[what]

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(payload)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            with pytest.raises(SourceUnavailableError, match=said) as caught:
                read_soon(f"http://127.0.0.1:{listening.getsockname()[1]}/x")
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    assert len(str(caught.value)) < 400


def test_a_body_that_ends_with_its_connection_is_read() -> None:
    """Where the server says no length, and the JSON is whole."""

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(H + b'\r\n[{"id": 1}]\n')

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        assert ids(read_soon(f"http://127.0.0.1:{listening.getsockname()[1]}/x")) == [1]
        thread.join()


def test_an_answer_that_is_not_ready_is_asked_for_again(server: Any) -> None:
    """202 is no data, whatever stands in it."""
    wait = Answer('{"status": "running"}', 202, {"Retry-After": "0"})
    assert ids(read_api(server.answer("/x", wait, js(records(1))), paging=NONE)) == [1]
    with pytest.raises(SourceUnavailableError, match="202: it is not ready yet"):
        read_api(server.answer("/y", wait), paging=NONE)


# Rate limits


def soon(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.slow
@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "1"},
        {"Retry-After": "at"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "epoch"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "1"},
        {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "milliseconds"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.0"},
    ],
    ids=str,
)
def test_a_rate_limit_is_waited_out(server: Any, status: int, headers: dict[str, str]) -> None:
    """As long as its headers say: in seconds, at a time of day, or seconds since 1970."""
    now = time.time()
    said = {"at": soon(2), "epoch": str(int(now) + 2), "milliseconds": str(int(now * 1000) + 1500)}
    headers = {name: said.get(value, value) for name, value in headers.items()}
    url = server.answer("/x", Answer("slow down", status, headers), js(records(1)))
    started = time.monotonic()
    assert ids(read_api(url, paging=NONE)) == [1]
    assert 0.5 < time.monotonic() - started < 4
    assert len(server.requests) == 2


def test_a_limit_that_lasts_is_named(server: Any) -> None:
    """An hour is not waited for, and is no matter of the login."""
    reset = str(int(time.time()) + 3600)
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    url = server.answer("/x", Answer("", 403, headers))
    with pytest.raises(SourceUnavailableError, match="asks to be left alone"):
        read_api(url, paging=NONE)
    assert len(server.requests) == 1


@pytest.mark.slow
def test_the_next_page_waits_where_no_request_is_left(server: Any) -> None:
    """A request that would be refused is not sent before its time."""
    times = []

    def answer(request: Any) -> Answer:
        times.append(time.monotonic())
        page = int(request.query["page"])
        headers = {"RateLimit_Remaining": "0", "RateLimit_Reset": "1"} if page == 1 else {}
        return js(records(page) if page < 3 else [], **headers)

    server.routes["/x"] = answer
    assert ids(read_api(f"{server.url}/x", paging={"type": "page_number"})) == [1, 2]
    assert times[1] - times[0] >= 0.95
    assert times[2] - times[1] < 0.9


@pytest.mark.parametrize("where", ["header", "body", "url"])
def test_no_message_and_no_log_has_a_secret(
    server: Any, where: str, caplog: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tokens in headers, bodies and addresses, while tries fail and in the end."""
    url = server.answer("/x", Answer("s3cret-77", 500))
    sources: dict[str, dict[str, Any]] = {
        "header": {"headers": {"X-Api-Token": "s3cret-77"}},
        "body": {"body": {"auth": {"token": "s3cret-77"}}},
    }
    source = sources.get(where, {})
    with pytest.raises(SourceError) as caught:
        read_api(f"{url}?access_token=s3cret-77" if where == "url" else url, paging=NONE, **source)
    assert "s3cret" not in str(caught.value) + caplog.text + "".join(capfd.readouterr())
