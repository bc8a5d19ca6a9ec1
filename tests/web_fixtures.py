"""A small application behind what every server of a project is behind, and raw requests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dataflow.service.body_guard import BodyGuard
from dataflow.service.web_access import WebAccess
from dataflow.service.web_server import listen, server_config

LARGEST_BODY = 1 << 20


@dataclass
class Served:
    """An application on a port of this machine, which remembers what reached it."""

    port: int
    reached: list[str] = field(default_factory=list)

    def connect(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(self, text: str, body: bytes = b"") -> tuple[int, str]:
        """Send a header as it is; gives the status and all that was answered."""
        with self.connect() as opened:
            opened.sendall(text.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)
            answer = read_answer(opened)
        return int(answer.split(" ", 2)[1]), answer


def read_answer(opened: socket.socket) -> str:
    """One whole answer, by its length."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = opened.recv(65536)
        if not part:
            break
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    left = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
    while left > 0 and (part := opened.recv(left)):
        body += part
        left -= len(part)
    return (head + b"\r\n\r\n" + body).decode("latin-1")


@contextmanager
def served(access: WebAccess, **options: Any) -> Iterator[Served]:
    """Serve an application that takes anything, from this process."""
    listener = listen("127.0.0.1", 0)
    found = Served(listener.getsockname()[1])

    async def take(request: Request) -> PlainTextResponse:
        size = len(await request.body())
        found.reached.append(f"{request.method} {request.url.path}")
        if request.url.path == "/large":
            return PlainTextResponse("x" * (64 << 20))
        return PlainTextResponse(f"taken {size}")

    async def talk(websocket: WebSocket) -> None:
        found.reached.append("websocket")
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app = Starlette(
        routes=[WebSocketRoute("/ws", talk), Route("/{path:path}", take, methods=methods)]
    )
    limited = BodyGuard(app, LARGEST_BODY)
    server = uvicorn.Server(server_config(limited, access, log_level="error", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield found
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
