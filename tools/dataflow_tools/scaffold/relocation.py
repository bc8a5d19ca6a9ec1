"""Moving files and folders to their places, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def relocate(source: Path, target: Path) -> None:
    """Move a file or folder, also to another file system, so that it is never there in part.

    A file takes the place of another one.

    Raises:
        OSError: It cannot be written, or a folder that holds something is there already.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = target.with_name(f".{target.name}.moving")
        drop(aside)
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, aside, symlinks=True)
        else:
            shutil.copy2(source, aside, follow_symlinks=False)
            flush(aside)
        aside.rename(target)
        drop(source)


def drop(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have the disk hold a file before anything relies on it, even if the power fails."""
    if path.is_symlink():
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())
