"""Temporary folders go, also those of processes that were killed."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from dataflow_tools.fleet.render_cache import _sweep, scratch_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_scratch_folder_goes_with_its_context() -> None:
    """The folder is there inside and gone outside."""
    with scratch_folder() as folder:
        (folder / "file").write_text("x", encoding="utf-8")
    assert not folder.exists()


def test_a_killed_process_leaves_nothing_for_long() -> None:
    """The next one removes the folder of a dead process, and not that of a live one."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with scratch_folder() as folder:
            os.write(write, str(folder).encode())
            signal.pause()
    from pathlib import Path

    theirs = Path(os.read(read, 1000).decode())
    age(theirs)
    _sweep(theirs.parent)
    assert theirs.is_dir()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _sweep(theirs.parent)
    assert not theirs.exists()


def age(folder: Path) -> None:
    """Let a folder look as if nobody had touched it for an hour."""
    then = time.time() - 3600
    os.utime(folder, (then, then))
