"""Room for temporary files, in memory where there is enough of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "dataflow-update-"
# Bytes. Versions of a template are a few megabytes each; containers often have 64 megabytes.
_ROOM = 256 * 1024 * 1024
# Seconds after which a folder that nobody holds is taken for forgotten.
_FORGOTTEN = 60.0


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder that is removed at the end.

    It is in memory if the system has such a place, since to create a file on a disk can take
    longer than to render it. What killed processes left there is removed first: it would fill
    the memory.
    """
    parent = _parent()
    if parent is not None:
        _sweep(parent)
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True
    ) as name:
        holder = os.open(name, os.O_RDONLY)
        try:
            # The system gives the lock back when the process dies, however it dies.
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(name).resolve()
        finally:
            os.close(holder)


def _parent() -> Path | None:
    shared = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    try:
        if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM:
            return shared
    except OSError:
        return None
    return None


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            status = folder.stat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < _FORGOTTEN:
                continue
            holder = os.open(folder, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(holder)
