"""Who a warm process listens to: the launcher of a service, and people's terminals."""

from __future__ import annotations

import atexit
import os
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, BinaryIO, Protocol

from dataflow.service.process_identity import process_identity
from dataflow.service.warm_terminal import serve_terminal, tell_end

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dataflow.service.warm_place import WarmPlace
    from dataflow.service.warm_sources import LoadedFiles

# Waiting to be accepted at once; more than run at a time.
_BACKLOG = 64
# What Python ends with when the last of its output finds no reader.
_OUTPUT_LOST = 120


class Listener(Protocol):
    """A socket, and what a child does for who has connected."""

    def fileno(self) -> int:
        """The descriptor to be waited for."""

    def accept(self) -> socket.socket | None:
        """Who has connected; None if nobody may be served any more."""

    def serve(self, connection: socket.socket) -> int:
        """In a child: do what a client asks, and return the exit code."""

    def leave_to_parent(self) -> None:
        """In a child: close what is the parent's."""

    def close(self) -> None:
        """Listen no more."""


class RunListener:
    """Listens to the launcher of a service, which names runs that Dagster has created."""

    def __init__(self, path: Path) -> None:
        # One that was killed leaves its socket behind; who starts this sees to it that it is one.
        self._listener = _listening(path)

    def fileno(self) -> int:
        """The descriptor to be waited for."""
        return self._listener.fileno()

    def accept(self) -> socket.socket:
        """Who has connected."""
        return self._listener.accept()[0]

    def serve(self, connection: socket.socket) -> int:
        """Say who this child is, and do what the client asks once it knows that.

        A client that gets no answer asks somebody else: nothing may be done before its last word.
        """
        try:
            with connection, connection.makefile("rw", encoding="utf-8") as lines:
                run_id = lines.readline().strip()
                lines.write(f"{process_identity()}\n")
                lines.flush()
                is_meant = lines.readline() == "go\n"
        except OSError:
            # The client has not waited.
            return 0
        if is_meant:
            from dataflow.service.warm_run import execute_run

            # Where modules of the project's own may lie: Python itself puts it there.
            sys.path.insert(0, os.getcwd())  # noqa: PTH109
            try:
                execute_run(run_id)
            finally:
                _finish()
        return 0

    def leave_to_parent(self) -> None:
        """Close what is the parent's."""
        self._listener.close()

    close = leave_to_parent


class TerminalListener:
    """Listens to terminals, until a file that is loaded has changed."""

    def __init__(
        self,
        place: WarmPlace,
        owned: BinaryIO,
        loaded: LoadedFiles,
        entry: str,
        own: Mapping[str, str],
    ) -> None:
        self._place, self._owned, self._loaded = place, owned, loaded
        self._entry, self._own = entry, own
        self._listener = _listening(place.socket)

    def fileno(self) -> int:
        """The descriptor to be waited for."""
        return self._listener.fileno()

    def accept(self) -> socket.socket | None:
        """Who has connected; None if what is loaded is no longer what is installed."""
        connection, _ = self._listener.accept()
        if changed := self._loaded.changed():
            connection.close()
            print(f"{changed} has changed", file=sys.stderr, flush=True)  # noqa: T201
            return None
        return connection

    def serve(self, connection: socket.socket) -> int:
        """Do a terminal's work; the client learns how it ended when all is written."""
        code = serve_terminal(connection, self._entry, self._own)
        if code is None:
            return 0
        code = _finish() or code
        tell_end(connection, f"exit {code}")
        return code

    def tell(self, connection: socket.socket, code: int) -> None:
        """Tell a client how its child has ended, in case that could not."""
        with connection:
            tell_end(connection, f"signal {-code}" if code < 0 else f"exit {code}")

    def leave_to_parent(self) -> None:
        """Close what is the parent's, above all the lock."""
        self._listener.close()
        self._owned.close()

    def close(self) -> None:
        """Listen no more, and let another take the place."""
        self._place.remove()
        self.leave_to_parent()


def listen_for_terminals(
    place: WarmPlace, owned: BinaryIO, loaded: LoadedFiles, entry: str, own: Mapping[str, str]
) -> TerminalListener:
    """Serve the terminals of a place that is this process's own."""
    for neighbour in place.neighbours():
        if neighbour != place:
            neighbour.clear()
    owned.truncate(0)
    owned.write(f"{os.getpid()}\n".encode())
    owned.flush()
    return TerminalListener(place, owned, loaded, entry, own)


def _listening(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(_BACKLOG)
    return listener


def _finish() -> int:
    """End as Python would, without taking apart what the parent has loaded."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BaseException:
        return _OUTPUT_LOST
    return 0
