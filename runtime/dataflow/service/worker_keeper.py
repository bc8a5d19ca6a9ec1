"""Keeps a warm process there: starts it, and starts it again when it was killed.

Runs that such a process has started go on without it, as children of this one, so that they end
with the service and not after it.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
# One that cannot be started would otherwise be tried without end.
_LEAST_SECONDS = 20.0
_MOST_IN_A_ROW = 3


def main(arguments: list[str] | None = None) -> None:
    """Run the warm process until SIGTERM, and wait for the runs that it has left."""
    parser = argparse.ArgumentParser(prog="python -m dataflow.service.worker_keeper")
    parser.add_argument("--socket", required=True)
    # The rest is for the warm process.
    chosen, further = parser.parse_known_args(arguments)
    # By its file: `-m` would leave frames below every run of whose modules Python knows no file,
    # and dbt has it look for them among all that are loaded.
    worker = ["-P", str(Path(__file__).with_name("warm_worker.py")), "--socket", chosen.socket]
    _Keeper([*worker, *further]).run()


class _Keeper:
    def __init__(self, command: list[str]) -> None:
        self._command = [sys.executable, *command]
        self._worker: subprocess.Popen[bytes] | None = None
        self._is_ending = False
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def run(self) -> None:
        in_a_row = 0
        while not self._is_ending and sys.platform == "linux" and in_a_row < _MOST_IN_A_ROW:
            began = time.monotonic()
            self._start()
            self._wait_for_worker()
            in_a_row = 0 if time.monotonic() - began > _LEAST_SECONDS else in_a_row + 1
        if not self._is_ending:
            # Nothing is wrong with runs: Dagster starts them itself.
            print("runs start without a warm process", flush=True)  # noqa: T201
        while not self._is_ending:
            signal.pause()
        self._wait_for_all()

    def _start(self) -> None:
        # A signal in between would miss the one or the other.
        blocked = (signal.SIGTERM, signal.SIGINT)
        signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        try:
            if not self._is_ending:
                self._worker = subprocess.Popen(self._command, preexec_fn=_tied_to_parent)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)

    def _end(self, number: int, _: object) -> None:
        self._is_ending = True
        if self._worker is not None:
            with suppress(ProcessLookupError):
                os.kill(self._worker.pid, number)

    def _wait_for_worker(self) -> None:
        """Wait for the warm process, and for runs that others like it have left here."""
        while self._worker is not None:
            pid, _ = os.waitpid(-1, 0)
            if pid == self._worker.pid:
                self._worker = None

    def _wait_for_all(self) -> None:
        # Not for what the steps of runs have started in sessions of its own: the service ends it.
        with suppress(ChildProcessError):
            while True:
                os.waitpid(0, 0)


def _tied_to_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))


if __name__ == "__main__":
    main()
