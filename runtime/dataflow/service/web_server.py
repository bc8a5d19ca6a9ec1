"""Serving a web application on an address, which may be taken or not ours."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn
    from starlette.types import ASGIApp, Scope

    from dataflow.service.web_access import Objection, WebAccess


class PortInUseError(DataflowError):
    """The address to serve on is taken or not ours.

    Why: Another program listens there, or the address is not one of this machine.

    What to do: Choose another port: `--port`, or the settings `dagster_port`, `api_port` and
    `evidence_port`.
    """

    exit_code = 2


def serve(
    app: ASGIApp,
    host: str,
    port: int,
    access: WebAccess,
    *,
    on_listening: Callable[[], object] | None = None,
    further: Callable[[Scope], Objection | None] | None = None,
    **options: Any,
) -> None:
    """Serve an application until interrupted.

    Args:
        access: By which names, and from which pages, it may be used.
        on_listening: Called once the address is this server's.
        further: One more reason to refuse a request, as of `WebGuard`.
        options: Further settings of uvicorn's.

    Raises:
        PortInUseError: Another program listens there, or the address is not this machine's.
    """
    import uvicorn

    listener = listen(host, port)
    if on_listening is not None:
        on_listening()
    config = server_config(app, access, further, **options)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        listener.close()


def server_config(
    app: ASGIApp,
    access: WebAccess,
    further: Callable[[Scope], Objection | None] | None = None,
    **options: Any,
) -> uvicorn.Config:
    """How every server of a project is run: guarded, and bounded in what clients make it hold."""
    import uvicorn

    from dataflow.service.client_limits import LARGEST_HEADER, BoundedProtocol
    from dataflow.service.web_guard import WebGuard

    bounds: dict[str, Any] = {
        "http": BoundedProtocol,
        "h11_max_incomplete_event_size": LARGEST_HEADER,
    }
    chosen: dict[str, Any] = {
        "log_level": "warning",
        "timeout_graceful_shutdown": 3,
        "server_header": False,
    }
    return uvicorn.Config(WebGuard(app, access, further), **(chosen | bounds | options))


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to serve on.

    Raises:
        PortInUseError: Another program listens there, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name != "nt":
                # A server that was just stopped leaves its address half taken for a minute.
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
            opened.listen(128)
        except OSError:
            opened.close()
            raise
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise PortInUseError(
                f"Another program is listening on {host}:{port}.",
                "Stop it, or choose another port with --port.",
            ) from error
        raise PortInUseError(
            f"{host}:{port} cannot be listened on: {error}.",
            "Choose an address of this machine with --host and a port from 1024 to 65535.",
        ) from error
    return opened
