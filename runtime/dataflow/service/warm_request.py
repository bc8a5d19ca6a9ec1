"""What a terminal's process hands to the child that does its work: all that belongs to a process.

The client sends it with its three standard descriptors; the child becomes what the client is.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import sys
from importlib import invalidate_caches
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the child says first; before that a client hands nothing over.
GREETING = b"hello\n"
_LENGTH = struct.Struct("!Q")
_STANDARD = (0, 1, 2)
_LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})
# As Python has them from its start.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def send_request(connection: socket.socket) -> None:
    """Send what this process is, and its standard descriptors.

    Raises:
        OSError: Nobody takes it, or the folder that this process works in is gone.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    is_open = [stream is not None and _is_open(number) for number, stream in enumerate(streams)]
    mask = os.umask(0o077)
    os.umask(mask)
    request: dict[str, Any] = {
        "argv": sys.argv,
        "folder": os.getcwd(),  # noqa: PTH109 - a text to be sent
        "path": sys.path,
        "environ": dict(os.environ),
        "umask": mask,
        "limits": [[kind, *resource.getrlimit(kind)] for kind in _LIMITS],
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "ignored": [int(number) for number in signal.valid_signals() if _is_ignored(number)],
        "open": [number for number in _STANDARD if is_open[number]],
    }
    text = json.dumps(request).encode()
    socket.send_fds(connection, [b"T"], request["open"])
    connection.sendall(_LENGTH.pack(len(text)) + text)


def receive_request(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Take what a client has sent, and its descriptors.

    Raises:
        ConnectionError: It has not sent all.
    """
    _, descriptors, _, _ = socket.recv_fds(connection, 1, len(_STANDARD))
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size))
    request = json.loads(_receive(connection, length))
    if len(descriptors) != len(request["open"]):
        raise ConnectionError("descriptors are missing")
    return request, descriptors


def become(request: dict[str, Any], descriptors: list[int], own: Mapping[str, str]) -> None:
    """Make this process what the client is.

    Args:
        own: Variables that the libraries have set when they were loaded.

    Raises:
        OSError: This process may not be what the client is.
    """
    os.setsid()
    os.environ.clear()
    os.environ.update({**own, **request["environ"]})
    _take_descriptors(request["open"], descriptors)
    for kind, soft, hard in request["limits"]:
        if resource.getrlimit(kind) != (soft, hard):
            try:
                resource.setrlimit(kind, (soft, hard))
            except ValueError as error:
                raise OSError(str(error)) from error
    nice = request["nice"]
    if os.getpriority(os.PRIO_PROCESS, 0) != nice:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    os.umask(request["umask"])
    os.chdir(request["folder"])
    sys.argv, sys.path[:] = request["argv"], request["path"]
    _take_signals(request["ignored"])
    # Folders that were looked into while the libraries were loaded may have changed since.
    invalidate_caches()
    reseed()


def reseed() -> None:
    """Give this process random numbers of its own; Python sees to those of `random`."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _take_descriptors(numbers: list[int], received: list[int]) -> None:
    for number in _STANDARD:
        if number in numbers:
            os.dup2(received[numbers.index(number)], number)
        else:
            os.close(number)
    for found in received:
        os.close(found)
    sys.stdin = sys.__stdin__ = _stream(0, "r", numbers, sys.stdin)  # type: ignore[misc,assignment]
    sys.stdout = sys.__stdout__ = _stream(1, "w", numbers, sys.stdout)  # type: ignore[misc,assignment]
    sys.stderr = sys.__stderr__ = _stream(2, "w", numbers, sys.stderr)  # type: ignore[misc,assignment]


def _stream(number: int, mode: str, numbers: list[int], like: TextIO) -> TextIO | None:
    """A standard stream, encoded as that which this process was started with."""
    if number not in numbers:
        return None
    stream: Any = open(  # noqa: SIM115 - open to the end
        number,
        mode,
        encoding=like.encoding,
        errors=like.errors,
        newline=None if mode == "r" else "\n",
        closefd=False,
    )
    if mode == "w":
        is_unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
        by_line = not is_unbuffered and (number == 2 or os.isatty(number))
        stream.reconfigure(line_buffering=by_line, write_through=is_unbuffered)
    stream.mode = mode
    found: TextIO = stream
    return found


def _take_signals(ignored: list[int]) -> None:
    for number in signal.valid_signals():
        if number in (signal.SIGKILL, signal.SIGSTOP):
            continue
        is_ignored = number in ignored or number in _IGNORED_BY_PYTHON
        action = signal.SIG_IGN if is_ignored else signal.SIG_DFL
        if number == signal.SIGINT and not is_ignored:
            signal.signal(number, signal.default_int_handler)
        elif signal.getsignal(number) is not action:
            signal.signal(number, action)


def _is_ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _receive(connection: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise ConnectionError("the client has gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
