"""What is made once for all projects of a person: packages, and the shell of their sites."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataflow_tools.site.folders import EvidenceFolders

_SECONDS_UNUSED = 90 * 24 * 3600


def cache_folder(folders: EvidenceFolders, kind: str) -> Path:
    """The folder of one kind of things in the user's cache; in the project's state without one.

    A machine may have no home that can be written to, as in a container.
    """
    from platformdirs import user_cache_path

    for folder in (user_cache_path("dataflow", appauthor=False) / "site", folders.base / "cache"):
        with suppress(OSError):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            if os.access(folder / kind, os.W_OK):
                return folder / kind
    return folders.base / "cache" / kind


def mark_used(folder: Path) -> None:
    """Have a folder of the cache stay, and remove those beside it that nobody used for long."""
    with suppress(OSError):
        os.utime(folder)
    forgotten = time.time() - _SECONDS_UNUSED
    for other in folder.parent.iterdir():
        with suppress(OSError):
            if other != folder and other.is_dir() and other.stat().st_mtime < forgotten:
                shutil.rmtree(other, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Have a file in two places, which nobody writes to but by replacing it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def link_folder(link: Path, target: Path) -> None:
    """Have a folder in a second place, unless something is there."""
    if link.exists():
        return
    if os.name == "nt":
        # A junction needs no privilege, which a symbolic link does.
        import _winapi

        _winapi.CreateJunction(str(target), str(link))  # type: ignore[attr-defined]
    else:
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))
