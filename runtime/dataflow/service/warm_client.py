"""Having a warm process do the work of this one, which passes signals on and waits."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from dataflow.service.warm_request import GREETING, send_request
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from pathlib import Path

# For a fork; a machine that is busy takes its time.
_SECONDS_TO_ANSWER = 5.0
# For what the warm process has to say of a child that was killed.
_SECONDS_FOR_LAST_WORD = 2.0
# Those that a keyboard sends, which reach all processes of a command.
_OF_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
_PASSED_ON = (*_OF_KEYBOARD, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class NotServedError(DataflowError):
    """No warm process has taken the work: nothing was begun."""


class LostRunError(DataflowError):
    """The process that did the work is gone, and nobody says how it ended.

    Why: The process was killed from outside, mostly because memory ran out, and so was the one
    that would have told how it ended.

    What to do: Run the workflow again: nothing of a killed run is seen. If it comes again, look
    for `Out of memory` in `dmesg`, and fetch fewer rows at a time.
    """


class _Child:
    """The process that does the work; never another one that has got its number since."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.descriptor = os.pidfd_open(pid)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, number)

    def send_all(self, number: int) -> None:
        """To it and what it has started; it leads a group of its own."""
        if not self.has_ended(0):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def has_ended(self, seconds: float | None) -> bool:
        return bool(select.select([self.descriptor], [], [], seconds)[0])


def run_in_warm_process(path: Path) -> NoReturn:
    """Have this process's command line called in a child of a warm process, and end as it does.

    Args:
        path: The socket of the warm process.

    Raises:
        NotServedError: There is none, or it does not answer: nothing was begun, nor will be.
        LostRunError: The child was killed, and so was who could say how.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        passed: list[int] = []
        try:
            child = _ask(connection, path)
            _pass_signals_on(child, passed)
            connection.sendall(b"go\n")
        except OSError as error:
            _leave_signals()
            for number in passed:
                # Meant for the command, wherever it runs.
                os.kill(os.getpid(), number)
            raise NotServedError(f"No warm process at {path}: {error}.", "") from error
        connection.settimeout(None)
        _end_as(_wait(connection, child))


def _ask(connection: socket.socket, path: Path) -> _Child:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    connection.settimeout(_SECONDS_TO_ANSWER)
    connection.connect(str(path))
    # Descriptors that lie in a queue that nobody reads would keep this process's pipes open.
    if connection.recv(len(GREETING), socket.MSG_WAITALL) != GREETING:
        raise ConnectionError("nobody has taken the call")
    send_request(connection)
    identity = connection.recv(64).decode()
    word, _, _ = identity.partition("@")
    if not identity.endswith("\n") or not word.isdecimal():
        raise ConnectionError("it has not said which process it started")
    return _Child(int(word))


def _pass_signals_on(child: _Child, passed: list[int]) -> None:
    def pass_on(number: int, _: object) -> None:
        passed.append(number)
        (child.send_all if number in _OF_KEYBOARD else child.send)(number)

    def stop(_number: int, _: object) -> None:
        child.send_all(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        child.send_all(signal.SIGCONT)

    for number in _PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, stop)


def _leave_signals() -> None:
    for number in (*_PASSED_ON, signal.SIGTSTP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _wait(connection: socket.socket, child: _Child) -> tuple[str, int]:
    """How the child has ended: by itself with a code, or by a signal."""
    select.select([connection, child.descriptor], [], [])
    if select.select([connection], [], [], _SECONDS_FOR_LAST_WORD)[0]:
        with suppress(OSError, ValueError, IndexError):
            word, number = connection.recv(64).decode().splitlines()[0].split()
            return word, int(number)
    child.has_ended(None)
    raise LostRunError(
        f"The process {child.pid} that did the work was killed, and so was the one it came from.",
        "Run the command again.",
    )


def _end_as(how: tuple[str, int]) -> NoReturn:
    word, number = how
    if word == "signal":
        import resource

        # The child has left a core already, if one was wanted.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(number)
