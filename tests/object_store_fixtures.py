"""Servers that speak S3: one that honours conditional writes, one that does not, and faults."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from dataflow.shared.store_address import _opened

SERVER = Path(__file__).with_name("s3_server.py")
KEY, SECRET = "TESTKEY", "test-secret-of-s3"
_names = count()


@dataclass(frozen=True)
class S3Server:
    """A server on this machine."""

    port: int

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL says."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables with which programs find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def ask(self, method: str, path: str) -> int:
        """Send a request, and give the answer's status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path)
        status = connection.getresponse().status
        connection.close()
        return status

    def new_bucket(self) -> str:
        """Make a bucket of its own for a test."""
        name = f"bucket-{os.getpid()}-{next(_names)}"
        assert self.ask("PUT", f"/{name}") == 200
        return name


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server that honours `If-Match`, `If-None-Match` and ranges, and knows any key."""
    server = S3Server(free_port())
    with _process([sys.executable, str(SERVER), str(server.port)], server):
        yield server


@pytest.fixture(scope="session")
def rclone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that knows one key only, and ignores the conditions of a write: rclone's."""
    rclone = shutil.which("rclone") or str(Path(sys.executable).with_name("rclone"))
    folder, server = tmp_path_factory.mktemp("rclone"), S3Server(free_port())
    (folder / "bucket").mkdir()
    address, key = f"127.0.0.1:{server.port}", f"{KEY},{SECRET}"
    command = [rclone, "serve", "s3", "--config", os.devnull, "--addr", address]
    with _process([*command, "--auth-key", key, str(folder)], server):
        yield server


class _process:  # noqa: N801
    """A server of a test, from its first answer to the end of the block."""

    def __init__(self, command: list[str], server: S3Server) -> None:
        self._command, self._server = command, server

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self._server.ask("GET", "/")
            except OSError:
                time.sleep(0.05)
            else:
                return
        self._process.kill()
        said = self._process.communicate()[1].decode()
        raise AssertionError(f"{self._command} does not answer: {said}")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def s3_bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, which this process and those that it starts find."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return f"s3://{s3_server.new_bucket()}"


@dataclass
class Faults:
    """A server that stands before another one and misbehaves when it is told to.

    Args:
        broken: How many of the next requests are answered with an error.
        status: The error that they are answered with.
        code: S3's own word for it.
        delay: Seconds for which each request waits.
        holds_uploads: Whether uploads are kept from the server behind it, and never answered.
        asked: The requests that came, each as `PUT /bucket/key`.
    """

    behind: S3Server
    broken: int = 0
    status: int = 500
    code: str = "InternalError"
    delay: float = 0.0
    holds_uploads: bool = False
    asked: list[str] = field(default_factory=list)
    upload_came: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None
    port: int = 0

    def start(self) -> None:
        """Listen; after `stop`, where it did before."""
        faults = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                faults.answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be gone: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request, as it is planned."""
        request.close_connection = True
        self.asked.append(f"{request.command} {request.path.partition('?')[0]}")
        if self.holds_uploads and request.command == "PUT":
            request.rfile.read(1024)
            self.upload_came.set()
            self.ended.wait(60)
            return
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        if self.delay and self.ended.wait(self.delay):
            return
        if self.broken > 0:
            self.broken -= 1
            text = f"<Error><Code>{self.code}</Code><Message>planned</Message></Error>".encode()
            self._send(request, self.status, {"content-type": "application/xml"}, text)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.behind.port, timeout=60)
        connection.request(request.command, request.path, body, dict(request.headers))
        found = connection.getresponse()
        headers = {k: v for k, v in found.getheaders() if k.lower() not in _OF_ONE_CONNECTION}
        self._send(request, found.status, headers, found.read())
        connection.close()

    @staticmethod
    def _send(
        request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length" or request.command == "HEAD":
                request.send_header(name, value)
        if request.command != "HEAD":
            request.send_header("content-length", str(len(body)))
        request.send_header("connection", "close")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)


_OF_ONE_CONNECTION = ("connection", "transfer-encoding", "server", "date")


@pytest.fixture
def s3_faults(
    s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Faults]:
    """A server before the one with `s3_bucket`, which can be told to misbehave."""
    faults = Faults(s3_server)
    faults.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{faults.port}")
    yield faults
    faults.ended.set()
    faults.stop()


@pytest.fixture(autouse=True)
def forget_stores() -> Iterator[None]:
    """Let no test of a file that imports this have the connection of another one."""
    _opened.cache_clear()
    yield
    _opened.cache_clear()


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def shared_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty place of each kind that machines can share."""
    if request.param == "s3":
        return f"{request.getfixturevalue('s3_bucket')}/shop"
    (tmp_path / "shared").mkdir()
    return str(tmp_path / "shared")
