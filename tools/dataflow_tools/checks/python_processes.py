"""Processes of this Python for what is tried out, which begin with the libraries loaded.

Each is what ``python -m MODULE`` is. Where the system can fork, they are children of one process
that imports Dagster, dbt and pytest once for all (`loaded_parent`), and no code of a project's;
elsewhere each is started by itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dataflow_tools.checks.loaded_parent import ForkedParent

PARENT = "dataflow_tools.checks.loaded_parent"
Stream = int | IO[Any]


class PythonProcess(Protocol):
    """A process that was started."""

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """Wait until it has ended; the exit code."""

    def kill(self) -> None:
        """End it, if it still runs."""


class PythonProcesses:
    """Starts processes of this Python.

    Args:
        modules: What they are likely to import, which is loaded once.
        train: Whether also what libraries do on first use is done once, which pays for several.
        fork: Whether this process itself has the libraries loaded, and has done nothing with them:
            the one that loads the rest is forked from it.
    """

    def __init__(
        self, modules: Sequence[str] = (), *, train: bool = False, fork: bool = False
    ) -> None:
        self._parent: subprocess.Popen[bytes] | ForkedParent | None = None
        self._control: socket.socket | None = None
        self._is_ready = False
        self._asking = threading.Lock()
        if sys.platform == "linux" and modules:
            self._start_parent(modules, train=train, fork=fork)

    @property
    def are_quick(self) -> bool:
        """Whether they need not import the libraries, each by itself."""
        return self._control is not None

    def start(
        self,
        arguments: Sequence[str],
        streams: tuple[Stream, Stream, Stream],
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
        is_safe: bool = True,
    ) -> PythonProcess:
        """Start a process that does what ``python -m ARGUMENTS`` does.

        Args:
            arguments: The module, and what it is called with.
            streams: Its standard input, output and error.
            folder: Where it works.
            is_safe: Whether modules in that folder are not found before all others, as by ``-P``.
        """
        numbers = [each if isinstance(each, int) else each.fileno() for each in streams]
        place = str(folder or os.getcwd())  # noqa: PTH109 - a text to be sent
        values = dict(os.environ if environ is None else environ)
        control = self._to_parent()
        if control is None:
            command = [sys.executable, *(["-P"] if is_safe else []), "-m", *arguments]
            one, two, three = numbers
            return subprocess.Popen(
                command, stdin=one, stdout=two, stderr=three, cwd=place, env=values
            )
        ours, theirs = socket.socketpair()
        request = {"arguments": list(arguments), "folder": place, "environ": values}
        text = json.dumps({**request, "is_safe": is_safe}).encode()
        with theirs, self._asking, suppress(BrokenPipeError, ConnectionResetError):
            # If the parent is gone, waiting says so.
            socket.send_fds(control, [b"F"], [theirs.fileno(), *numbers])
            control.sendall(len(text).to_bytes(4, "big") + text)
        return _ForkedProcess(ours)

    def close(self) -> None:
        """End all processes that were started here and still run."""
        if self._control is not None and self._parent is not None:
            self._control.close()
            self._parent.wait()
            self._control = self._parent = None

    def _to_parent(self) -> socket.socket | None:
        """Where a parent is asked that has loaded all, and lives; waits for it to have done so."""
        with self._asking:
            if self._control is None or self._parent is None:
                return None
            with suppress(OSError):
                self._is_ready = self._is_ready or bool(self._control.recv(1))
            return self._control if self._is_ready and self._parent.poll() is None else None

    def _start_parent(self, modules: Sequence[str], *, train: bool, fork: bool) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._control = ours
            if fork:
                from dataflow_tools.checks.loaded_parent import fork_parent

                self._parent = fork_parent(theirs, modules, (ours,))
            if self._parent is not None:
                return
            # The current folder may hold files with the names of modules: -P keeps it out.
            command = [sys.executable, "-P", "-m", PARENT, *(["--train"] if train else [])]
            self._parent = subprocess.Popen(
                [*command, str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("DATAFLOW_DEBUG") else subprocess.DEVNULL,
            )


class _ForkedProcess:
    """A child of the parent's, known by a socket: its exit code comes there at its end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._code: int | None = None
        self._waiting = threading.Lock()

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        if self._code is None and self._waiting.acquire(blocking=False):
            try:
                self._receive(socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            finally:
                self._waiting.release()
        return self._code

    def wait(self) -> int:
        """Wait until it has ended."""
        with self._waiting:
            if self._code is None:
                self._receive(0)
        return -signal.SIGKILL if self._code is None else self._code

    def kill(self) -> None:
        """End it: the parent sees that nobody is there for it any more."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def _receive(self, flags: int) -> None:
        try:
            said = self._connection.recv(16, flags)
        except ConnectionResetError:
            said = b""
        # A parent that has gone cannot tell.
        self._code = int(said) if said else -signal.SIGKILL
        self._connection.close()
