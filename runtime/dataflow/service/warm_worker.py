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
import sys
import time
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from dataflow.service.process_identity import process_identity
from dataflow.service.warm_libraries import WarmingError, load_libraries
from dataflow.service.warm_listener import RunListener, TerminalListener, listen_for_terminals
from dataflow.service.warm_place import WarmPlaceError, warm_place
from dataflow.service.warm_sources import LoadedFiles

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from dataflow.service.warm_listener import Listener
    from dataflow.service.warm_place import WarmPlace

# What the command line loads when it runs a workflow.
_OF_TERMINALS = (
    "dataflow.cli.workflow_run",
    "dataflow.cli.run_config",
    "dataflow.service.warm_start",
)
# Until one that does not serve terminals looks again whether somebody else does.
_SECONDS_BETWEEN_CLAIMS = 10.0
_SIGNALS = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)


def main(arguments: list[str] | None = None) -> None:
    """Load, listen and fork until SIGTERM or nobody has come for long; wait for runs under way."""
    parser = argparse.ArgumentParser(prog="warm_worker.py")
    parser.add_argument("--socket", type=Path, help="where the launcher of a service asks for runs")
    parser.add_argument("--project", type=Path, help="whose terminals are served as well")
    parser.add_argument("--name", default="", help="the place that has to be this process's")
    parser.add_argument("--entry", default="", help="module:function of the command line")
    parser.add_argument("--idle-minutes", type=float, default=0.0, help="default: stay for ever")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    loaded = LoadedFiles()
    before = dict(os.environ)
    place = owned = None
    try:
        place = warm_place(chosen.project, before) if chosen.project else None
        if place and chosen.name not in ("", place.name):
            sys.exit("This process differs from the one that started it.")
        owned = place.own() if place else None
    except (WarmPlaceError, OSError) as error:
        # A service has its runs without it.
        _tell(f"terminals are not served: {error}")
        place = None
    if not chosen.socket and not owned:
        # Somebody else serves them; a log that stays says that nobody can.
        if place:
            place.log_file.unlink(missing_ok=True)
        return
    try:
        further = [chosen.entry.partition(":")[0], *_OF_TERMINALS] if place else []
        load_libraries(further, chosen.project)
    except WarmingError as error:
        sys.exit(str(error))
    loaded.remember()
    own = {name: text for name, text in os.environ.items() if before.get(name) != text}
    listeners: list[Listener] = [RunListener(chosen.socket)] if chosen.socket else []
    claim = None
    if place:
        listen = partial(listen_for_terminals, place, loaded=loaded, entry=chosen.entry, own=own)
        if owned:
            listeners.append(listen(owned))
        else:
            claim = partial(_claim, place, listen)
    _Worker(listeners, claim, chosen.idle_minutes * 60).serve()


def _claim(place: WarmPlace, listen: Callable[[BinaryIO], Listener]) -> Listener | None:
    """Serve terminals, if nobody does any more."""
    owned = place.own()
    return listen(owned) if owned else None


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _leave(*_: object) -> NoReturn:
    os._exit(0)


@dataclass
class _Child:
    """A child, and what is to be done when it has ended."""

    ended: Callable[[int], None]
    is_waited_for: bool
    connection: socket.socket | None = None


class _Worker:
    def __init__(
        self,
        listeners: list[Listener],
        claim: Callable[[], Listener | None] | None,
        idle_seconds: float,
    ) -> None:
        self._listeners = listeners
        self._claim = claim
        self._idle_seconds = idle_seconds
        self._children: dict[int, _Child] = {}
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
        came = time.monotonic()
        while not self._is_ending and self._listeners:
            patience = _SECONDS_BETWEEN_CLAIMS if self._claim else self._idle_seconds or None
            ready, _, _ = select.select([*self._listeners, self._wake], [], [], patience)
            if self._wake in ready:
                os.read(self._wake, 4096)
            self._reap(os.WNOHANG)
            for listener in [one for one in self._listeners if one in ready]:
                self._accept(listener)
            if self._claim:
                self._try_claim(self._claim)
            if ready or self._children:
                came = time.monotonic()
            elif self._idle_seconds and time.monotonic() - came >= self._idle_seconds:
                break
        for listener in self._listeners:
            listener.close()
        while any(child.is_waited_for for child in self._children.values()):
            self._reap(0)

    def _try_claim(self, claim: Callable[[], Listener | None]) -> None:
        try:
            listener = claim()
        except OSError as error:
            _tell(f"terminals are not served: {error}")
            self._claim = None
            return
        if listener:
            self._listeners.append(listener)
            self._claim = None

    def _accept(self, listener: Listener) -> None:
        try:
            connection = listener.accept()
            if connection is None:
                listener.close()
                self._listeners.remove(listener)
                return
            pid = self._fork(partial(listener.serve, connection))
            self._children[pid] = self._child_of(listener, connection, pid)
        except OSError as error:
            # Such as a client that has gone, or no room for another process: it starts its run
            # elsewhere, and the next one finds this process here.
            _tell(f"no process for a run: {error}")

    def _child_of(self, listener: Listener, connection: socket.socket, pid: int) -> _Child:
        if isinstance(listener, TerminalListener):
            # It goes on without this process, and says itself how it ended, unless it is killed.
            return _Child(partial(listener.tell, connection), False, connection)
        connection.close()
        return _Child(partial(self._close_run, process_identity(pid)), True)

    def _close_run(self, identity: str, code: int) -> None:
        if code:
            pid = self._fork(partial(_close_run, identity, code))
            self._children[pid] = _Child(lambda _: None, True)

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
            child = self._children.pop(pid, None)
            if child:
                child.ended(os.waitstatus_to_exitcode(status))

    def _fork(self, work: Callable[[], int]) -> int:
        # A signal that arrives before the child has forgotten these handlers would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._become_child(work)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return pid

    def _become_child(self, work: Callable[[], int]) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for descriptor in self._wakers:
                os.close(descriptor)
            for listener in self._listeners:
                listener.leave_to_parent()
            for child in self._children.values():
                if child.connection is not None:
                    child.connection.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            code = work()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
        os._exit(code)


def _close_run(identity: str, code: int) -> int:
    from dataflow.service.warm_run import close_run_of

    close_run_of(identity, code)
    return 0


if __name__ == "__main__":
    main()
