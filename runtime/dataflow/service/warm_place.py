"""Where the warm process is that serves a terminal: one for all who would load the same.

Its name is made of all that decides what a process has in memory once the libraries are loaded. Who
differs in any of it looks elsewhere, finds nothing there and loads the libraries itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of the words that client and worker exchange.
_PROTOCOL = 1
# Of a socket's path, what every system takes.
_LONGEST_PATH = 100
_SECONDS_TO_KEEP = 24 * 3600
# Differ from one terminal to the next, or between a terminal and `dataflow up`, and no library
# reads them when it is loaded (a test looks). All others have to be the same.
HARMLESS_VARIABLES = frozenset(
    (
        *("_", "PWD", "OLDPWD", "SHLVL", "WINDOWID", "TERM_SESSION_ID", "GPG_TTY"),
        *("SSH_AGENT_PID", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "STY"),
        *("TMUX", "TMUX_PANE", "XDG_SESSION_ID", "INVOCATION_ID", "JOURNAL_STREAM"),
        *("DAGSTER_HOME", "DATAFLOW_API_TOKEN", "DATAFLOW_DAEMON", "DATAFLOW_DEBUG"),
        *("DATAFLOW_PROJECT", "DATAFLOW_RESTARTED", "DATAFLOW_RUN_WORKER", "DATAFLOW_SERVICE"),
        "PYTHONUNBUFFERED",
    )
)


class WarmPlaceError(DataflowError):
    """No warm process can be had here."""


@dataclass(frozen=True)
class WarmPlace:
    """The files of one warm process that serves terminals.

    Args:
        folder: Where those of all of this user's are; nobody else may look into it.
        name: What they begin with.
    """

    folder: Path
    name: str

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / f"{self.name}.sock"

    @property
    def lock_file(self) -> Path:
        """Locked by who listens, with its process id in it."""
        return self.folder / f"{self.name}.lock"

    @property
    def asked_file(self) -> Path:
        """Touched by who would have used it."""
        return self.folder / f"{self.name}.asked"

    @property
    def log_file(self) -> Path:
        """What it says."""
        return self.folder / f"{self.name}.log"

    def own(self) -> BinaryIO | None:
        """Become the owner, for as long as the file is open; None if there is one already."""
        while True:
            file = self.lock_file.open("a+b")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_ino == self.lock_file.stat().st_ino:
                    return file
            except BlockingIOError:
                file.close()
                return None
            except FileNotFoundError:
                # Cleared away in between.
                pass
            file.close()

    def neighbours(self) -> list[WarmPlace]:
        """The places of the same project."""
        prefix = self.name.partition("-")[0]
        names = {path.stem for path in self.folder.glob(f"{prefix}-*")}
        return [WarmPlace(self.folder, name) for name in sorted(names)]

    def clear(self) -> None:
        """Remove the files of a place that nobody has used for a day."""
        with suppress(OSError):
            if self._age() > _SECONDS_TO_KEEP and (owned := self.own()):
                with owned:
                    self.remove()

    def remove(self) -> None:
        """Remove its files; for its owner."""
        for path in (self.socket, self.asked_file, self.log_file, self.lock_file):
            path.unlink(missing_ok=True)

    def _age(self) -> float:
        files = [path for path in (self.lock_file, self.asked_file) if path.exists()]
        return time.time() - max((path.stat().st_mtime for path in files), default=0.0)


def warm_place(root: Path, environ: Mapping[str, str] | None = None) -> WarmPlace:
    """The place of the warm process that does for this process, in the project at ``root``.

    Raises:
        WarmPlaceError: There is no folder that only this user can look into.
    """
    facts = [
        _PROTOCOL,
        str(root.resolve()),
        [os.getuid(), os.geteuid(), os.getegid(), sorted(os.getgroups())],
        [sys.executable, sys.prefix, sys.version],
        # Else the folder of the script is put before all others, where no module of ours is.
        re.sub(r"safe_path=\w+", "", str(sys.flags)),
        [sys.warnoptions, sorted(map(str, sys._xoptions.items()))],
        [(entry, _changed_at(entry)) for entry in import_folders()],
        sorted(os.sched_getaffinity(0)),
        [str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("mnt", "net", "pid", "user")],
        sorted(
            (name, value)
            for name, value in (os.environ if environ is None else environ).items()
            if name not in HARMLESS_VARIABLES
        ),
    ]
    name = f"{_digest(facts[1])[:8]}-{_digest(facts)[:24]}"
    return WarmPlace(_private_folder(), name)


def import_folders() -> list[str]:
    """Where modules are looked for, without the folder of the script."""
    return sys.path if sys.flags.safe_path else sys.path[1:]


def _changed_at(entry: str) -> int:
    """When something was installed there or removed."""
    try:
        return os.stat(entry).st_mtime_ns  # noqa: PTH116 - asked often
    except OSError:
        return 0


def _digest(facts: object) -> str:
    text = json.dumps(facts, default=str).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()


def _private_folder() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        folder = Path(runtime) / "dataflow"
    else:
        import tempfile

        folder = Path(tempfile.gettempdir()) / f"dataflow-{os.getuid()}"
    if len(str(folder)) > _LONGEST_PATH - 40:
        raise WarmPlaceError(f"The path of {folder} is too long for a socket.", "Shorten it.")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise WarmPlaceError(f"{folder}: {error.strerror}.", "Make it writable.") from error
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or mode != 0o700:
        raise WarmPlaceError(
            f"{folder} is not a folder that only you can look into.", "Remove it, or its rights."
        )
    return folder
