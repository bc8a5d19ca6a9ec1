"""What the child of a warm process does for a terminal: the command line, as its client would.

The client passes signals on and waits; what the command writes goes to the client's own output.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from dataflow.service.process_identity import process_identity
from dataflow.service.warm_request import GREETING, become, receive_request

if TYPE_CHECKING:
    from collections.abc import Mapping

# What `ps` and `dataflow up` know such a process by.
TERMINAL_RUN = "dataflow-run"
_PR_SET_NAME = 15

_is_child = False


def is_warm_child() -> bool:
    """Whether this process does the work of another one's already."""
    return _is_child


def leave_terminal() -> None:
    """In a process that such a one has forked: do nobody else's work from now on."""
    global _is_child
    _is_child = False


def serve_terminal(connection: socket.socket, entry: str, own: Mapping[str, str]) -> int | None:
    """Become what the client is and call the command line.

    Args:
        entry: ``module:function`` of the command line.
        own: Variables that the libraries have set when they were loaded.

    Returns:
        The exit code; None if the client has not asked for anything in the end.
    """
    global _is_child
    try:
        connection.sendall(GREETING)
        request, descriptors = receive_request(connection)
        become(request, descriptors, own)
        connection.sendall(f"{process_identity()}\n".encode())
        # A client that gets no answer runs the command itself: nothing before its last word.
        if connection.recv(3, socket.MSG_WAITALL) != b"go\n":
            return None
    except OSError:
        return None
    _end_with(connection)
    _name_process()
    _is_child = True
    module, _, function = entry.partition(":")
    try:
        getattr(import_module(module), function)()
    except SystemExit as error:
        return _exit_code(error.code)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def tell_end(connection: socket.socket, word: str) -> None:
    """Tell the client how the command has ended: ``exit`` or ``signal``, and a number."""
    try:
        connection.send(f"{word}\n".encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        # It has been told already, or has gone.
        return


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _end_with(connection: socket.socket) -> None:
    """Let the system kill this process when the client has gone, as nothing else can be sure to."""
    descriptor = connection.fileno()
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
            os.kill(os.getpid(), signal.SIGKILL)
    except BlockingIOError:
        return


def _name_process() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_NAME, TERMINAL_RUN.encode(), 0, 0, 0)
