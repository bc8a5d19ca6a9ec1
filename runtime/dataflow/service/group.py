"""Services that start, are watched and stop together.

On honcho, which runs each process in a session of its own and prefixes what it prints. psutil sees
to the processes that these start: none is left behind.
"""

from __future__ import annotations

import datetime
import re
import shlex
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import psutil
from honcho import manager
from honcho.printer import Message, Printer

from dataflow.service.services import process_environment
from dataflow.service.tied_process import TiedProcess
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dataflow.service.services import Service
    from dataflow.shared.project import Project

# Runs that are under way write down that they were interrupted; that takes a moment.
_SECONDS_TO_STOP = 15
_SECONDS_TO_BE_READY = 180
_SECONDS_BETWEEN_LOOKS = 0.3
_STOPPED_BY_A_SIGNAL = (130, 143)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class ServiceDiedError(DataflowError):
    """A service ended by itself."""


def run_services(project: Project, services: Iterable[Service]) -> None:
    """Run services until Ctrl-C or SIGTERM, or until one of them ends.

    Raises:
        ServiceDiedError: A service ended by itself; the others have been stopped.
    """
    services = list(services)
    group = _Group(project, services)
    threading.Thread(target=group.announce, args=(services,), daemon=True).start()
    group.loop()
    group.stop_descendants()
    if group.died is not None:
        name, code = group.died
        raise ServiceDiedError(
            f"{name} ended by itself ({_how(code)}), so the others were stopped.",
            f"Its last lines above, those that begin with {name!r}, say why.",
        )


class _Printer(Printer):  # type: ignore[misc]
    """honcho's printer, which leaves the services' colours to terminals."""

    def write(self, message: Message) -> None:
        data = message.data
        if isinstance(data, bytes):
            data = data.decode("utf-8", "replace")
        if not self._colours_supported:
            data = _COLOURS.sub("", data)
        super().write(message._replace(data=data))


class _Group(manager.Manager):  # type: ignore[misc]
    """honcho's manager, which also remembers who died and every process that there ever was."""

    def __init__(self, project: Project, services: Iterable[Service]) -> None:
        super().__init__(_Printer(sys.stdout))
        self._process_ctor = TiedProcess
        self.died: tuple[str, int] | None = None
        self._saw_stop = False
        self._descendants: dict[int, psutil.Process] = {}
        self._may_kill = False
        self._deadline = threading.Timer(_SECONDS_TO_STOP, self._kill_now)
        self._deadline.daemon = True
        for service in services:
            for process in service.processes:
                self.add_process(
                    process.name,
                    shlex.join(["exec", *process.command]),
                    env=process_environment(project, process),
                    cwd=str(project.root),
                )

    def terminate(self) -> None:
        """Stop all; called again, by an impatient Ctrl-C, kill all."""
        if self._terminating:
            # honcho calls this as well, once, when it sees the first process stop.
            if self._any_stopped() and not self._saw_stop:
                self._saw_stop = True
            else:
                self._kill_now()
            return
        self._saw_stop = self._any_stopped()
        if self.returncode not in _STOPPED_BY_A_SIGNAL:
            self.died = self._first_to_stop()
        self._remember_descendants()
        super().terminate()
        self._deadline.start()

    def kill(self) -> None:
        """Kill all, but not when honcho wants to: it gives runs five seconds to write down."""
        if self._may_kill:
            super().kill()

    def _kill_now(self) -> None:
        self._may_kill = True
        self.kill()

    def _first_to_stop(self) -> tuple[str, int] | None:
        stopped = [(n, p["returncode"]) for n, p in self._processes.items() if "returncode" in p]
        return stopped[0] if stopped else None

    def _remember_descendants(self) -> None:
        for process in psutil.Process().children(recursive=True):
            self._descendants[process.pid] = process

    def stop_descendants(self) -> None:
        """End what the services have started and not ended themselves."""
        self._deadline.cancel()
        left = [process for process in self._descendants.values() if process.is_running()]
        for process in left:
            _send(process.terminate)
        _, stubborn = psutil.wait_procs(left, timeout=5)
        for process in stubborn:
            _send(process.kill)
        psutil.wait_procs(stubborn, timeout=5)

    def say(self, text: str) -> None:
        """Print a line of the group's own."""
        now = datetime.datetime.now()
        self.events.put(Message("line", f"{text}\n", now, "system", None))

    def announce(self, services: list[Service]) -> None:
        """Say of each service where it is once it answers."""
        waiting = {service.name: service for service in services}
        deadline = time.monotonic() + _SECONDS_TO_BE_READY
        while waiting and not self._terminating:
            for service in list(waiting.values()):
                if _answers(service.address.url + service.ready_path):
                    self.say(f"{service.name} is ready: {service.address.url}")
                    del waiting[service.name]
            if waiting and time.monotonic() > deadline:
                self.say(f"{', '.join(waiting)}: no answer for {_SECONDS_TO_BE_READY} seconds")
                return
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        if not waiting:
            self.say("all is ready; Ctrl-C stops it")


def _send(signal_process: Callable[[], Any]) -> None:
    try:
        signal_process()
    except psutil.NoSuchProcess:
        return


def _answers(url: str) -> bool:
    # Straight to this machine, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
