"""One `dataflow up` of a service of a project at a time.

Two daemons of a project would each start what a schedule asks for.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dataflow.service.services import Service
    from dataflow.shared.project import Project

# The service that a project has once, on whichever host.
_ONE_FOR_ALL = "dagster"
# What a killed `up` had started ends within this time.
_SECONDS_FOR_THE_LEFT = 25.0
_SECONDS_BETWEEN_TRIES = 0.2


class AlreadyUpError(BadInputError):
    """A service of the project is up already.

    Why: Two schedulers of one project would start each run twice.

    What to do: Stop the other one where it runs; the message names its process and port.
    """


@contextmanager
def hold_services(
    project: Project, services: Sequence[Service], on_wait: Callable[[str], object] = print
) -> Iterator[None]:
    """Hold services of a project for this process, so that no second `up` starts them.

    The locks are the operating system's: an `up` that is killed gives them back as soon as what it
    had started is gone, and containers that share the project's state folder share them.

    Args:
        on_wait: Told once that something of a killed `up` is waited for.

    With a history that hosts share, the service `dagster` is held for all of them: each daemon
    would start what a schedule asks for. REST and dashboards may be on many.

    Raises:
        AlreadyUpError: Some are held. The error names them, who holds them and where they answer.
        HistoryError: The history's Postgres does not answer.
    """
    folder = project.state_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        taken = [s for s in services if not _take(folder, s, held)]
        left = [_holder(folder, s.name) for s in taken]
        if taken and all(map(_is_dead, left)):
            on_wait("Waiting for the services of a killed `dataflow up` to end.")
            deadline = time.monotonic() + _SECONDS_FOR_THE_LEFT
            taken = [s for s in taken if not _take(folder, s, held, deadline - time.monotonic())]
        if taken:
            raise _refusal(folder, taken)
        if project.settings.history and any(each.name == _ONE_FOR_ALL for each in services):
            held.enter_context(_hold_for_all_hosts(project))
        yield


@contextmanager
def _hold_for_all_hosts(project: Project) -> Iterator[None]:
    from dataflow.runs.postgres_lock import SharedLock

    lock = SharedLock(project, f"up {_ONE_FOR_ALL}")
    if not lock.acquire(0):
        raise AlreadyUpError(
            f"{_ONE_FOR_ALL} of this project is up already: {lock.holder() or 'on another host'}.",
            "Use what is there, or stop it where it runs first. REST and dashboards can be served "
            "here: dataflow up api evidence, with DATAFLOW_DAGSTER_URL.",
        )
    try:
        yield
    finally:
        lock.release()


def is_up(project: Project, service: str) -> bool:
    """Whether a `dataflow up` has a service of the project, as far as can be seen from here."""
    holder = _holder(project.state_dir / "locks", service)
    return "pid" in holder and not _is_dead(holder)


def holding_processes(project: Project) -> set[int]:
    """The processes of this machine that have services of the project: a `dataflow up`, or two."""
    folder = project.state_dir / "locks"
    known = [_holder(folder, path.name.split(".")[1]) for path in folder.glob("up.*.json")]
    here = [each for each in known if each.get("host") == socket.gethostname()]
    return {each["pid"] for each in here if isinstance(each.get("pid"), int)}


def _take(folder: Path, service: Service, held: ExitStack, seconds: float = 0) -> bool:
    lock = os.open(folder / f"up.{service.name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + seconds
    # Not filelock: what the processes of the group inherit of this lock is part of it.
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(lock)
                return False
        time.sleep(_SECONDS_BETWEEN_TRIES)
    me = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "url": service.address.url,
        "port": service.address.port,
    }
    path = _path(folder, service.name)
    path.write_text(json.dumps(me), encoding="utf-8")
    held.callback(os.close, lock)
    held.callback(fcntl.flock, lock, fcntl.LOCK_UN)
    held.callback(path.unlink, missing_ok=True)
    return True


def _path(folder: Path, name: str) -> Path:
    return folder / f"up.{name}.json"


def _holder(folder: Path, name: str) -> dict[str, Any]:
    try:
        known = json.loads(_path(folder, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _is_dead(holder: dict[str, Any]) -> bool:
    import psutil

    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        # One that was killed stays listed until its parent looks.
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _refusal(folder: Path, taken: Sequence[Service]) -> AlreadyUpError:
    lines, processes = [], set()
    for service in taken:
        known = _holder(folder, service.name)
        who = f"process {known['pid']}" if "pid" in known else "another process"
        is_here = known.get("host") in (None, socket.gethostname())
        where = "" if is_here else f" on {known['host']}"
        at = (
            f", {known['url']} (port {known['port']})" if "url" in known and "port" in known else ""
        )
        since = f", since {known['since']}" if "since" in known else ""
        lines.append(f"{service.name} of this project is up already: {who}{where}{at}{since}.")
        if is_here and "pid" in known:
            processes.add(str(known["pid"]))
    stop = f"`kill {' '.join(sorted(processes))}`" if processes else "stop it where it runs"
    return AlreadyUpError(
        "\n".join(lines),
        f"Use what is there, or stop it first: Ctrl-C where it runs, or {stop}."
        if processes
        else "Use what is there, or stop it where it runs first.",
    )
