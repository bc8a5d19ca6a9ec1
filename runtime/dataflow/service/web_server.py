"""Serving a web application on an address, which may be taken or not ours."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette


class PortInUseError(DataflowError):
    """The address to serve on is taken or not ours."""

    exit_code = 2


def serve(
    app: Starlette,
    host: str,
    port: int,
    on_listening: Callable[[], object] | None = None,
    **options: Any,
) -> None:
    """Serve an application until interrupted.

    Args:
        on_listening: Called once the address is this server's.
        options: Further settings of uvicorn's.

    Raises:
        PortInUseError: Another program listens there, or the address is not this machine's.
    """
    import uvicorn

    listener = listen(host, port)
    if on_listening is not None:
        on_listening()
    config = uvicorn.Config(app, log_level="warning", **options)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        listener.close()


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
