"""Temporary folders go, also those of processes that were killed."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from dataflow_tools.fleet import render_cache
from dataflow_tools.fleet.render_cache import _PREFIX, _sweep, scratch_folder

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


def test_only_what_is_old_and_ours_is_swept(tmp_path: Path) -> None:
    """What is new, or held by a process that lives, stays, and hinders nothing else."""
    held, old, fresh, other = (
        tmp_path / name for name in (f"{_PREFIX}a", f"{_PREFIX}b", f"{_PREFIX}c", "other")
    )
    for folder in (held, old, fresh, other):
        (folder / "deep").mkdir(parents=True)
    (tmp_path / f"{_PREFIX}0").symlink_to("nowhere")
    for folder in (held, old, other):
        age(folder)
    holder = os.open(held, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        _sweep(tmp_path)
    finally:
        os.close(holder)
    assert [folder.exists() for folder in (held, old, fresh, other)] == [True, False, True, True]


def test_a_scratch_folder_sweeps_what_others_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is memory for it; it is on the disk where there is none."""
    monkeypatch.setattr(render_cache, "_parent", lambda: tmp_path)
    left = tmp_path / f"{_PREFIX}left"
    left.mkdir()
    age(left)
    with scratch_folder() as folder:
        assert folder.parent == tmp_path.resolve()
        assert not left.exists()
        age(folder)
        with scratch_folder() as second:
            assert folder.exists()
            assert second != folder
    monkeypatch.setattr(render_cache, "_parent", lambda: None)
    with scratch_folder() as folder:
        assert folder.is_dir()
