"""Whether a command is done by a warm process, and when one is started for the next.

None is started where nobody is at a terminal: a job of a CI or of cron leaves no process behind.
A person who runs workflows again and again gets one after the second time.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dataflow.service.warm_client import NotServedError, run_in_warm_process
from dataflow.service.warm_place import WarmPlaceError, warm_place
from dataflow.service.warm_terminal import is_warm_child
from dataflow.shared.project_file import PROJECT_FILE, read_project_file

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.service.warm_place import WarmPlace

ENTRY = "dataflow.cli.main:main"
_VARIABLE = "DATAFLOW_DAEMON"
_IDLE_VARIABLE = "DATAFLOW_DAEMON_IDLE_MINUTES"
_IDLE_MINUTES = 10.0
_WORDS = {"true": True, "1": True, "on": True, "yes": True}
_WORDS |= {"false": False, "0": False, "off": False, "no": False}
_SECONDS_BETWEEN_RUNS = 600.0
# Until one that could not become warm is tried again.
_SECONDS_AFTER_FAILURE = 3600.0
# Of one project, with other variables or libraries each: a quarter of a gigabyte each.
_MOST = 3


class WarmStart:
    """What is known of the warm process of a command, before it is run.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._environ = dict(os.environ)
        table = _table(root)
        self._wish = _wish(self._environ.get(_VARIABLE, table.get("daemon", "auto")))
        self._idle = self._environ.get(_IDLE_VARIABLE, table.get("daemon_idle_minutes"))
        self._place: WarmPlace | None = None

    def try_warm(self) -> None:
        """Have a warm process do the work of this one, if there is one: this does not return then.

        Raises:
            LostRunError: It was killed, and nobody says how the command ended.
        """
        if not self._is_wanted():
            return
        try:
            self._place = warm_place(self._root)
            if not self._place.socket.exists():
                raise NotServedError(f"There is no warm process at {self._place.socket}.", "")
            run_in_warm_process(self._place.socket)
        except (NotServedError, WarmPlaceError) as error:
            if self._environ.get("DATAFLOW_DEBUG"):
                print(f"{error.reason} Running cold.", file=sys.stderr)  # noqa: T201

    def start_for_next(self) -> None:
        """After a command that was run cold: start a warm process, if another will likely come."""
        place = self._place
        if place is None:
            return
        with suppress(OSError):
            was_asked = _age(place.asked_file) < _SECONDS_BETWEEN_RUNS
            place.asked_file.touch()
            if (was_asked or self._wish is True) and _may_start(place):
                _start(place, self._root, self._environ, self._idle)

    def _is_wanted(self) -> bool:
        main = sys.modules["__main__"]
        if (
            sys.platform != "linux"
            or is_warm_child()
            or self._wish is False
            # With `python -m`, modules in the current folder come before all others.
            or getattr(main, "__spec__", None) is not None
            or os.path.basename(sys.argv[0]) != "dataflow"  # noqa: PTH119
        ):
            return False
        return self._wish is True or _is_at_terminal(self._environ)


def _is_at_terminal(environ: dict[str, str]) -> bool:
    streams = (sys.stdin, sys.stdout)
    is_ci = environ.get("CI", "").lower() not in ("", "0", "false")
    return not is_ci and all(stream is not None and stream.isatty() for stream in streams)


def _table(root: Path) -> dict[str, Any]:
    # Not by pydantic, which takes longer to load than all of this.
    table: dict[str, Any] = read_project_file(root / PROJECT_FILE).content["tool"]["dataflow"]
    return table


def _wish(value: object) -> bool | None:
    return value if isinstance(value, bool) else _WORDS.get(str(value).strip().lower())


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _may_start(place: WarmPlace) -> bool:
    owners = 0
    for neighbour in place.neighbours():
        owned = neighbour.own()
        if owned is None:
            owners += 1
            if neighbour == place:
                return False
        else:
            owned.close()
    return owners < _MOST and _age(place.log_file) > _SECONDS_AFTER_FAILURE


def _start(place: WarmPlace, root: Path, environ: dict[str, str], idle: object) -> None:
    # Takes longer to load than all of this.
    import subprocess

    try:
        minutes = float(str(idle)) if idle is not None else _IDLE_MINUTES
    except ValueError:
        return
    # By its file, as the service does: see `worker_keeper`.
    worker = os.path.join(os.path.dirname(__file__), "warm_worker.py")  # noqa: PTH118, PTH120
    command = [
        *(sys.executable, *subprocess._args_from_interpreter_flags(), "-P", worker),  # type: ignore[attr-defined]
        *("--project", str(root), "--name", place.name),
        *("--entry", ENTRY, "--idle-minutes", str(minutes)),
    ]
    with place.log_file.open("w") as log:
        subprocess.Popen(
            command,
            # Holds no folder of anybody's.
            cwd="/",
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
