"""Copying a file whole, telling whether it changed since, and getting its name onto the disk."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def identity(path: Path) -> list[int] | None:
    """What changes whenever a file is written or replaced; ``None`` for no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; a file system that can share blocks does, in no time."""
    with source.open("rb") as old, target.open("wb") as new:
        left = os.fstat(old.fileno()).st_size
        try:
            while left > 0 and (done := os.copy_file_range(old.fileno(), new.fileno(), left)):
                left -= done
        except (AttributeError, OSError):
            # Not on this system, or not between these two.
            left = -1
        if left != 0:
            old.seek(0)
            new.seek(0)
            new.truncate()
            shutil.copyfileobj(old, new, 1 << 22)


def sync_folder(folder: Path) -> None:
    """Get the names in a folder onto the disk; Windows does so by itself and has no way to ask."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
