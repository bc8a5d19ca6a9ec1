"""A process of a group: started again when it dies, ended when the group's supervisor is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
from honcho.process import Popen, Process

if TYPE_CHECKING:
    from ctypes import c_byte

# In the environment of a process that was started again: what ran before may still be there.
RESTARTED_VARIABLE = "DATAFLOW_RESTARTED"

_PR_SET_PDEATHSIG = 1
_SECONDS_TO_STOP = 15
_SECONDS_BETWEEN_LOOKS = 0.3
# What ends by itself so soon after its start has said why, and would end so again.
_SECONDS_OF_START = 10.0
# Whose process dies more often than so within that time does not get well by another start.
_RESTARTS, _SECONDS_OF_RESTARTS = 3, 60.0
_TO_THE_SYSTEM = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Restarts:
    """How often something was started again of late."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def allow(self) -> bool:
        """Note one more start, unless there were too many."""
        now = time.monotonic()
        self._times = [at for at in self._times if now - at < _SECONDS_OF_RESTARTS]
        if len(self._times) >= _RESTARTS:
            return False
        self._times.append(now)
        return True


class TiedProcess(Process):  # type: ignore[misc]
    """honcho's process: a child of the supervisor that waits for the service itself.

    Killed, the supervisor can stop nothing any more. Where the system tells its children (Linux),
    each stops its own service then; a closed terminal does the same everywhere. Services that went
    on by themselves would start what schedules ask for beside those of the next `up`. Where this
    process itself is killed, its service goes with it, and the supervisor starts both again.

    Args:
        stopping: Not 0 when the whole group stops, so that nothing is started again.

    Attributes:
        worker: What stands in the command line of the child without which the service is of no
            use; empty if there is none. Dagster's code server does not notice that its child has
            died; others of its children come and go.
    """

    def __init__(self, *args: Any, stopping: c_byte, **more: Any) -> None:
        super().__init__(*args, **more)
        self.worker = ""
        self._stopping = stopping
        self._earlier: list[int] = []
        self._restarts = Restarts()

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:  # noqa: ARG002
        """Run the service, in a process of honcho's, until it is to be started no more."""
        supervisor = os.getppid()
        self._events = events
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, self._stop)
        # Under nohup a closed terminal means nothing.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._stop)
        _end_with_parent(signal.SIGUSR1)
        if os.getppid() != supervisor:
            return
        while (code := self._run_once()) is not None and self._is_worth_a_start(code):
            self.env[RESTARTED_VARIABLE] = "1"
        self._send_message({"returncode": code}, type="stop")

    def _run_once(self) -> int:
        self._began = time.monotonic()
        child = self._child = Popen(
            self.cmd, env=self.env, cwd=self.cwd, preexec_fn=_become_a_service
        )
        self._send_message({"pid": child.pid}, type="start")
        if self._stopping.value:
            self._signal(signal.SIGTERM)
        # What it has started may hold its output open longer than it lives.
        reader = threading.Thread(target=self._pass_on, args=(child.stdout,), daemon=True)
        reader.start()
        if self.worker:
            threading.Thread(target=self._watch_worker, args=(child,), daemon=True).start()
        code: int = child.wait()
        reader.join(1)
        return code

    def _is_worth_a_start(self, code: int) -> bool:
        if self._stopping.value:
            return False
        if code >= 0 and time.monotonic() - self._began < _SECONDS_OF_START:
            return False
        if not self._restarts.allow():
            return False
        self._earlier.append(self._child.pid)
        self._say(f"ended by itself ({how_it_ended(code)}) and is started again")
        return True

    def _pass_on(self, output: Any) -> None:
        for line in iter(output.readline, b""):
            self._send_message(line)
        output.close()

    def _watch_worker(self, child: Popen) -> None:
        """End a service whose worker is gone; it is started again then, with a new one."""
        had_one = False
        while child.poll() is None:
            has_one = _has_live_child(child.pid, self.worker)
            if had_one and not has_one:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                if not _has_live_child(child.pid, self.worker) and not self._stopping.value:
                    self._say("has lost the process that does its work")
                    # Only this one: runs that the worker has started go on to their end.
                    child.kill()
                    return
            had_one = had_one or has_one
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _say(self, text: str) -> None:
        self._send_message(f"{self.name} {text}\n".encode())

    def _stop(self, *_: object) -> None:
        # Nobody reads any more what the service says.
        self._events.cancel_join_thread()
        if self._child is not None and self._child.poll() is not None:
            # At its end already, it may wait for somebody to take its last lines.
            os._exit(0)
        self._stopping.value = 1
        signal.signal(signal.SIGALRM, self._kill)
        signal.alarm(_SECONDS_TO_STOP)
        self._signal(signal.SIGTERM)

    def _kill(self, *_: object) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        pids = [*self._earlier, *([self._child.pid] if self._child is not None else [])]
        for pid in pids:
            try:
                os.killpg(pid, number)
            except (ProcessLookupError, PermissionError):
                continue


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _become_a_service() -> None:
    """In the child: be ended with the parent, and by the signals that the parent ignores."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _end_with_parent()


def _end_with_parent(number: int = signal.SIGKILL) -> None:
    """Let this process get a signal when its parent dies, where the system can."""
    if _TO_THE_SYSTEM is not None:
        _TO_THE_SYSTEM.prctl(_PR_SET_PDEATHSIG, number)


def _is_worker(process: psutil.Process, known_by: str) -> bool:
    # A zombie has no command line.
    try:
        return known_by in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _has_live_child(pid: int, known_by: str) -> bool:
    try:
        return any(_is_worker(child, known_by) for child in psutil.Process(pid).children())
    except psutil.Error:
        return False
