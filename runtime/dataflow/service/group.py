"""Services that start, are watched and stop together.

On honcho, which runs each process in a session of its own and prefixes what it prints. psutil sees
to the processes that these start: none is left behind.
"""

from __future__ import annotations

import datetime
import functools
import multiprocessing
import shlex
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import psutil
from honcho import manager
from honcho.printer import Message

from dataflow.service.group_output import GroupPrinter
from dataflow.service.services import process_environment
from dataflow.service.tied_process import Restarts, TiedProcess, how_it_ended
from dataflow.service.warm_terminal import TERMINAL_RUN
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dataflow.service.services import Service
    from dataflow.shared.project import Project

# Runs that are under way write down that they were interrupted; that takes a moment.
_SECONDS_TO_STOP = 15
_SECONDS_TO_BE_READY = 180
_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_BETWEEN_LISTS = 2.0
_MOST_LISTED = 5
_STOPPED_BY_A_SIGNAL = (130, 143)


class ServiceDiedError(DataflowError):
    """A service ended by itself.

    Why: A process of `dataflow up` has ended again and again; it is started anew three times a
    minute.

    What to do: Its last lines stand above the message. `dataflow doctor` looks at the machine
    and the project.
    """


def run_services(project: Project, services: Iterable[Service]) -> None:
    """Run services until Ctrl-C or SIGTERM.

    One whose process dies is started again, unless it ends right after its start or dies again and
    again.

    Raises:
        ServiceDiedError: A service ended by itself for good; the others have been stopped.
    """
    services = list(services)
    group = _Group(project, services)
    threading.Thread(target=group.announce, args=(services,), daemon=True).start()
    group.loop()
    group.stop_descendants()
    group.finish_output()
    if group.died is not None:
        name, code = group.died
        raise ServiceDiedError(
            f"{name} ended by itself ({how_it_ended(code)}), so the others were stopped.",
            f"Its last lines above, those that begin with {name!r}, say why.",
        )


class _Group(manager.Manager):  # type: ignore[misc]
    """honcho's manager, which also remembers who died and every process that there ever was."""

    def __init__(self, project: Project, services: Iterable[Service]) -> None:
        super().__init__(GroupPrinter(sys.stdout))
        self._project = project
        # Without a lock, which a process that is killed could take along.
        self._stopping = multiprocessing.RawValue("b", 0)
        self._process_ctor = functools.partial(TiedProcess, stopping=self._stopping)
        self._restarts: dict[str, Restarts] = {}
        self._looked_at = 0.0
        self.died: tuple[str, int] | None = None
        self._saw_stop = False
        self._descendants: dict[int, psutil.Process] = {}
        self._may_kill = False
        self._deadline = threading.Timer(_SECONDS_TO_STOP, self._kill_now)
        self._deadline.daemon = True
        for service in services:
            for process in service.processes:
                added = self.add_process(
                    process.name,
                    shlex.join(["exec", *process.command]),
                    env=process_environment(project, process),
                    cwd=str(project.root),
                )
                added.worker = process.worker

    def terminate(self) -> None:
        """Stop all; called again, by an impatient Ctrl-C, kill all."""
        self._stopping.value = 1
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

    def _all_started(self) -> bool:
        # honcho asks at each turn of its loop, and so do we then, in the thread that starts
        # processes: whoever waits for a service, and tells of its end, can be killed too.
        now = time.monotonic()
        if now - self._looked_at > _SECONDS_BETWEEN_LISTS:
            self._looked_at = now
            self._remember_descendants()
        for name, known in self._processes.items():
            code = known["process"].exitcode
            # Of one that has ended by itself the last word is on the way.
            if not code or "returncode" in known:
                continue
            if not self._terminating and self._restarts.setdefault(name, Restarts()).allow():
                self.say(f"what watches {name} was {how_it_ended(code)}; both are started again")
                self._start_watching(name)
            else:
                known["returncode"] = code
        return bool(super()._all_started())

    def _start_watching(self, name: str) -> None:
        known = self._processes[name]
        # The system has ended the service with it; until then it has its port or its socket.
        if "pid" in known and psutil.pid_exists(known["pid"]):
            _send(psutil.Process(known["pid"]).kill)
        known["process"] = multiprocessing.Process(
            name=name, target=known["obj"].run, args=(self.events, True)
        )
        known["process"].start()

    def finish_output(self) -> None:
        """Give who reads what is printed a moment for the last lines."""
        self._printer.finish()

    def _first_to_stop(self) -> tuple[str, int] | None:
        stopped = [(n, p["returncode"]) for n, p in self._processes.items() if "returncode" in p]
        return stopped[0] if stopped else None

    def _remember_descendants(self) -> None:
        # What a process that died has started is nobody's child any more.
        self._descendants = {pid: p for pid, p in self._descendants.items() if p.is_running()}
        for process in _own_descendants():
            self._descendants[process.pid] = process

    def stop_descendants(self) -> None:
        """End what the services have started and not ended themselves."""
        self._deadline.cancel()
        left = [process for process in self._descendants.values() if process.is_running()]
        left = [process for process in left if not _is_of_a_terminal(process)]
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
            for line in _closing_lines(self._project, services):
                self.say(line)


def _closing_lines(project: Project, services: list[Service]) -> Iterator[str]:
    """What people look for when all has started: where it is, what is off, how to stop it."""
    yield "all is ready:"
    width = max(len(service.name) for service in services)
    for service in services:
        yield f"  {service.name:<{width}}  {service.address.url}"
    if any(service.name == "dagster" for service in services):
        yield from _schedules_off(project)
    yield "Ctrl-C stops it"


def _schedules_off(project: Project) -> Iterator[str]:
    """Which schedules wait to be switched on, if any do."""
    from dataflow.service.schedules import running_schedules

    try:
        off = [each.workflow_id for each in running_schedules(project) if not each.is_on]
    except DataflowError:
        # A location that is not loaded is told of by Dagster's own lines.
        return
    if off:
        count = f"{len(off)} schedules are off" if len(off) > 1 else "1 schedule is off"
        listed = ", ".join(off[:_MOST_LISTED]) + (", ..." if len(off) > _MOST_LISTED else "")
        yield f"  {count}: {listed}; turn on with: dataflow workflow schedule {off[0]} on"


def _own_descendants() -> Iterator[psutil.Process]:
    """All but the runs of people's terminals, and what these have started."""
    theirs = set()
    for process in psutil.Process().children(recursive=True):
        try:
            if process.ppid() in theirs or process.name() == TERMINAL_RUN:
                theirs.add(process.pid)
                continue
        except psutil.NoSuchProcess:
            continue
        yield process


def _is_of_a_terminal(process: psutil.Process) -> bool:
    """Whether it is now: such a run has its name a moment after it was forked, and seen here."""
    try:
        # This one keeps the name that it had when it was asked first.
        return bool(psutil.Process(process.pid).name() == TERMINAL_RUN)
    except psutil.NoSuchProcess:
        return False


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
