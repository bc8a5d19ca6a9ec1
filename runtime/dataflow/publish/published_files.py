"""The files of published tables, wherever they are, as files of this machine."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow.publish.publish_target import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.publish.folders import SiteFolders

# What the manifest names, and nothing else of the store.
TABLE_FILE = re.compile(r"data/\w+/\w+/(?P<digest>[0-9a-f]{8,64})/\w+\.parquet", re.ASCII)
# A page that is open goes on reading the version it began with.
_KEPT_SECONDS = 6 * 3600.0


def published_file(folders: SiteFolders, name: str) -> Path:
    """A file that the manifest names; one of a shared place is copied to this machine once.

    Args:
        name: As the manifest has it, such as ``data/sales/daily/1a2b3c4d/daily.parquet``.

    Raises:
        NotStoredError: The shared place does not have it.
        StoreError: The shared place cannot be reached.
    """
    if folders.target is None:
        return folders.public / name
    copy = folders.copies / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        # Many requests for parts of a new file come at once.
        with FileLock(copy.with_suffix(".lock")):
            if not copy.exists():
                folders.target.get(name, copy)
                _drop_earlier(copy)
    return copy


def copy_published(folders: SiteFolders) -> None:
    """Bring what a shared place has into the public folder, for tools that serve a folder.

    Raises:
        StoreError: The shared place cannot be reached.
    """
    if folders.target is None:
        return
    from dataflow.publish.manifest_content import parse_manifest

    data = folders.target.read(MANIFEST).data
    if data is None:
        return
    for names in parse_manifest(data).tables.values():
        for name in names:
            target = folders.public / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                folders.target.get(name, target)
    folders.manifest.write_bytes(data)


def _drop_earlier(copy: Path) -> None:
    """Delete the copies of a table's earlier versions, once no open page can want them."""
    for folder in copy.parent.parent.iterdir():
        with suppress(FileNotFoundError):
            if folder != copy.parent and folder.stat().st_mtime < time.time() - _KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
