"""A process that has the libraries of a run loaded, and forks one child for each run.

It accepts, forks and waits, and does nothing else: no code of a project's is imported here, no
database is open and no thread runs, so that a child can do what a fresh process could, and sees
the files of the project as they are when its run starts.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dataflow.service.process_identity import process_identity
from dataflow.service.warm_libraries import WarmingError, load_libraries

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)
# Waiting to be accepted at once; more than run at a time.
_BACKLOG = 64


def main(arguments: list[str] | None = None) -> None:
    """Load, listen and fork until SIGTERM; then wait for the runs that are under way."""
    parser = argparse.ArgumentParser(prog="python -m dataflow.service.warm_worker")
    parser.add_argument("--socket", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        load_libraries()
    except WarmingError as error:
        sys.exit(str(error))
    _Worker(chosen.socket).serve()


def _leave(*_: object) -> NoReturn:
    os._exit(0)


class _Worker:
    def __init__(self, path: Path) -> None:
        # One that was killed leaves its socket behind; who starts this sees to it that it is one.
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(_BACKLOG)
        self._children: dict[int, str] = {}
        self._is_ending = False
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakers = (self._wake, wake)
        signal.set_wakeup_fd(wake)
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, _: object) -> None:
        if number != signal.SIGCHLD:
            self._is_ending = True

    def serve(self) -> None:
        while not self._is_ending:
            ready, _, _ = select.select([self._listener, self._wake], [], [])
            if self._wake in ready:
                os.read(self._wake, 4096)
            self._reap(os.WNOHANG)
            if self._listener in ready:
                self._accept()
        self._listener.close()
        self._reap(0)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                self._fork(partial(_serve_client, connection))
        except OSError as error:
            # Such as a client that has gone, or no room for another process: it starts its run
            # elsewhere, and the next one finds this process here.
            print(f"no process for a run: {error}", file=sys.stderr)  # noqa: T201

    def _reap(self, options: int) -> None:
        """Wait for children that have ended; see to the runs of those that did not say how."""
        while self._children:
            try:
                pid, status = os.waitpid(-1, options)
            except ChildProcessError:
                self._children.clear()
                return
            if pid == 0:
                return
            identity = self._children.pop(pid, "")
            code = os.waitstatus_to_exitcode(status)
            if code and identity:
                self._fork(partial(_close_run, identity, code), is_run=False)

    def _fork(self, work: Callable[[], None], *, is_run: bool = True) -> None:
        # A signal that arrives before the child has forgotten these handlers would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._become_child(work)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._children[pid] = process_identity(pid) if is_run else ""

    def _become_child(self, work: Callable[[], None]) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for descriptor in self._wakers:
                os.close(descriptor)
            self._listener.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            work()
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
        _end(code)


def _end(code: int) -> NoReturn:
    """End this process as Python would, without taking apart what the parent has loaded."""
    import atexit
    import threading

    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def _serve_client(connection: socket.socket) -> None:
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
        return
    if not is_meant:
        return
    from dataflow.service.warm_run import execute_run

    execute_run(run_id)


def _close_run(identity: str, code: int) -> None:
    from dataflow.service.warm_run import close_run

    close_run(identity, code)


if __name__ == "__main__":
    main()
