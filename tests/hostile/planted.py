"""Secrets that are planted to be looked for, and counterparts that tell every one they are told."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

__all__ = ["PLANTED", "environment", "finds", "talkative_database", "talkative_server", "write"]

# No two alike, with characters that URLs and JSON write in other ways. Only the last two variables
# are called like secrets: the others are known by their places in config.yaml alone.
_NAMES = (
    *("BEARER", "TEAM_HEADER", "QUERY", "USERINFO", "KEY", "BASIC", "CLIENT", "DATABASE"),
    *("RAISED", "NOTIFY", "LOGGED", "OTHER_PASSWORD", "THIRD_TOKEN"),
)
PLANTED = {name: f'{name.lower()}-S3cr3t/{number}+"x"%z' for number, name in enumerate(_NAMES)}
# As they are written into an address.
_IN_ADDRESSES = ("USERINFO", "QUERY", "DATABASE", "NOTIFY")


def environment(server: str) -> dict[str, str]:
    """The variables of the planted secrets."""
    values = {
        name: quote(value, safe="") if name in _IN_ADDRESSES else value
        for name, value in PLANTED.items()
    }
    host = server.removeprefix("http://")
    rooms = {
        "ROOM_1": f"json://me:{values['NOTIFY']}@{host}/500/",
        "ROOM_2": f"unknown://{values['NOTIFY']}",
        "ROOM_3": f"slack://{values['NOTIFY']}",
    }
    return {**values, **rooms}


def _forms() -> Iterator[tuple[str, bytes]]:
    for name, value in PLANTED.items():
        once = json.dumps(value)[1:-1]
        spelt = {value, quote(value), quote(value, safe=""), once, json.dumps(once)[1:-1]}
        spelt |= {base64.b64encode(f"me:{value}".encode()).decode()}
        yield from ((name, form.encode()) for form in spelt)


_FORMS = tuple(_forms())


def finds(where: str, content: str | bytes) -> list[str]:
    """Which secrets stand in a text, in whatever spelling, with what is around them."""
    data = content.encode(errors="replace") if isinstance(content, str) else content
    found = []
    for name, form in _FORMS:
        at = data.find(form)
        if at >= 0:
            around = data[max(0, at - 120) : at + 60].decode(errors="replace")
            found.append(f"{name} in {where}: {around!r}")
    return found


def write(root: Path, workflow_id: str, source: str, job: str, more: str = "") -> None:
    """A workflow written by hand."""
    folder = root / "src" / "dataflow" / "workflows" / workflow_id
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "dagster_job.py").write_text(job.replace("WORKFLOW", workflow_id))
    (folder / "config.yaml").write_text(
        f"workflow: {{name: {workflow_id}}}\ningestion:\n  source: {source}\n"
        f"  parameters: {{max_retries: 0, timeout_seconds: 3}}\nload: {{table: rows}}\n{more}"
    )


@contextmanager
def talkative_server() -> Iterator[str]:
    """An HTTP server that answers with the status at the path's start and all that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status = int(self.path[1:4])
            told = f"{self.path} {dict(self.headers)} {sent}"
            body = b'[{"id": 1}]' if status == 200 else json.dumps({"told": told}).encode()
            authorization = self.headers.get("Authorization", "")
            self.send_response(status, f"Not with {authorization} at {self.path}")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("WWW-Authenticate", f"Bearer not={authorization}")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def talkative_database() -> Iterator[int]:
    """What speaks just enough of Postgres's protocol to refuse a login and quote its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    said = f"no entry for postgresql://me:{PLANTED['DATABASE']}@h/d".encode()
    fields = b"SFATAL\0C28P01\0M" + said + b"\0\0"

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                # Requests for encryption are denied; what follows is the login.
                while struct.unpack("!ii", client.recv(8))[1] in (80877103, 80877104):
                    client.sendall(b"N")
                client.recv(4096)
                client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
