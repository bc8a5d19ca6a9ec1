"""A real HTTP server on a real loopback socket, whose answers a test writes."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Answer:
    """What the server says.

    With ``cut`` it resets the connection after that many bytes; with ``pace`` it says ``step``
    bytes, and waits so many seconds before the next ones; with ``chunked`` it sends the body in
    chunks, and of ``"unfinished"`` ones not the last, which says that it is the last.
    """

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    silent: bool = False
    pace: float | None = None
    step: int = 1
    chunked: bool | str = False


class Server:
    """Answers by path; a list of answers is given one after another, its last one for ever."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.routes: dict[str, Callable[[Request], Answer]] = {}
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                request = Request(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    body,
                )
                outer.requests.append(request)
                route = outer.routes.get(parts.path) or outer.routes.get("*")
                answer = route(request) if route else Answer("not here", 404)
                outer.give(self, answer)

            do_GET = do_HEAD = do_POST = _serve  # noqa: N815

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"
        self._thread = threading.Thread(
            target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def give(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        """Send an answer, or its beginning, or nothing."""
        if answer.silent:
            # Say nothing until the test is over.
            self.released.wait()
            handler.close_connection = True
            return
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        handler.send_response(answer.status)
        length = {"Transfer-Encoding": "chunked"} if answer.chunked else {}
        headers = {**(length or {"Content-Length": str(len(body))}), **answer.headers}
        if answer.status == HTTPStatus.NO_CONTENT:
            headers = dict(answer.headers)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if answer.pace is not None:
            self._trickle(handler, body, answer.step, answer.pace)
            return
        if answer.chunked:
            half = len(body) // 2
            for chunk in (body[:half], body[half:]):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if answer.chunked == "unfinished":
                handler.close_connection = True
            else:
                handler.wfile.write(b"0\r\n\r\n")
            return
        if answer.cut is None:
            handler.wfile.write(body)
            return
        handler.wfile.write(body[: answer.cut])
        handler.wfile.flush()
        # A reset instead of an orderly end.
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.close_connection = True
        handler.connection.close()

    def _trickle(
        self, handler: BaseHTTPRequestHandler, body: bytes, step: int, pace: float
    ) -> None:
        handler.close_connection = True
        try:
            for place in range(0, len(body), step):
                handler.wfile.write(body[place : place + step])
                if self.released.wait(pace):
                    return
        except OSError:
            # The client has gone, as it should.
            return

    def answer(self, path: str, *answers: Answer) -> str:
        """Give these answers at a path, and return its address."""
        left = list(answers)

        def route(_: Request) -> Answer:
            return left.pop(0) if len(left) > 1 else left[0]

        self.routes[path] = route
        return self.url + path

    def stop(self) -> None:
        """Let silent answers go and close the socket."""
        self.released.set()
        self._httpd.shutdown()
        self._httpd.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def other_server() -> Iterator[Server]:
    """A server that nothing should be asked of."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def say() -> type[Answer]:
    """How a test writes an answer of the server."""
    return Answer


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, that the test is in."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.dataflow]\n", encoding="utf-8")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def read(project: Path) -> Callable[..., Any]:
    """Write a file into the project and read it as a file source."""
    from dataflow.sources.read import read_source

    def write_and_read(name: str, content: bytes | str, **settings: Any) -> Any:
        data = content.encode() if isinstance(content, str) else content
        (project / name).write_bytes(data)
        return read_source({"type": "file", "url": name, **settings}, {})

    return write_and_read


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries wait next to nothing, unless the server says how long."""
    monkeypatch.setattr("dataflow.sources.retry._FIRST_WAIT", 0.001)
