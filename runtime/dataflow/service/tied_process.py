"""A process of a group that ends when the group's supervisor is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

from honcho.process import Process

_PR_SET_PDEATHSIG = 1
_SECONDS_TO_STOP = 15


class TiedProcess(Process):  # type: ignore[misc]
    """honcho's process: a child of the supervisor that waits for the service itself.

    Killed, the supervisor can stop nothing any more. Where the system tells its children (Linux),
    each stops its own service then; a closed terminal does the same everywhere. Services that went
    on by themselves would start what schedules ask for beside those of the next `up`.
    """

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Run the service, in a process of honcho's."""
        supervisor = os.getppid()
        self._waiting = events
        signal.signal(signal.SIGUSR1, self._stop)
        # Under nohup a closed terminal means nothing.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._stop)
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)
            if os.getppid() != supervisor:
                return
        super().run(events, ignore_signals)

    def _stop(self, *_: object) -> None:
        # Nobody reads any more what the service says.
        self._waiting.cancel_join_thread()
        if self._child is not None and self._child.poll() is not None:
            # At its end already, it may wait for somebody to take its last lines.
            os._exit(0)
        signal.signal(signal.SIGALRM, self._kill)
        signal.alarm(_SECONDS_TO_STOP)
        self._signal(signal.SIGTERM)

    def _kill(self, *_: object) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._child is None:
            return
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return
