"""From the build tool's folder to the public one."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from dataflow.publish.built_site import replace_site

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.publish.folders import SiteFolders

_COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".wasm", ".webmanifest")
_SMALLEST_COMPRESSED = 1024


def replace_public(built: Path, folders: SiteFolders) -> None:
    """Compress a newly built site and put it in the place of the old one.

    Args:
        built: The folder that the build tool wrote. Its files are moved away.
    """
    compress(built)
    replace_site(built, folders)


def compress(folder: Path) -> None:
    """Write every text below a folder once more, compressed, so that serving it costs nothing."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        packed = path.with_name(f"{path.name}.gz")
        if path.suffix not in _COMPRESSED or packed.exists():
            continue
        if path.stat().st_size >= _SMALLEST_COMPRESSED:
            packed.write_bytes(gzip.compress(path.read_bytes(), compresslevel=6, mtime=0))
