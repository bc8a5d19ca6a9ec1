"""The public folder: the built site beside the published data."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.publish.folders import SiteFolders

_COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".wasm", ".webmanifest")
_SMALLEST_COMPRESSED = 1024


def replace_public(built: Path, folders: SiteFolders) -> None:
    """Put a newly built site in the place of the old one, with no moment in which there is none.

    Files whose names carry a hash of their content come first, and the page that names them last.
    Those of the build before stay until the next one, since pages that are open may still ask
    for them. The published data is left alone.

    Args:
        built: The folder that the build tool wrote. Its files are moved away.
    """
    _compress(built)
    new = {path.relative_to(built).as_posix(): path for path in built.rglob("*") if path.is_file()}
    record = folders.base / "installed.json"
    before = _read_names(record)
    for name in sorted(new, key=_order):
        target = folders.public / name
        target.parent.mkdir(parents=True, exist_ok=True)
        new[name].replace(target)
    record.write_text(json.dumps(sorted(new)), encoding="utf-8")
    kept = {*new, *(name for name in before if "/immutable/" in name)}
    for path in _site_files(folders):
        if path.relative_to(folders.public).as_posix() not in kept:
            path.unlink(missing_ok=True)


def _site_files(folders: SiteFolders) -> list[Path]:
    """What is in the public folder beside the data, in which runs make and delete folders."""
    found: list[Path] = []
    for path in folders.public.iterdir():
        if path == folders.data:
            continue
        found += (
            [below for below in path.rglob("*") if below.is_file()] if path.is_dir() else [path]
        )
    return found


def _compress(built: Path) -> None:
    """Write a ``.gz`` beside every text file, so that serving it costs nothing."""
    for path in [path for path in built.rglob("*") if path.is_file()]:
        if path.suffix in _COMPRESSED and path.stat().st_size >= _SMALLEST_COMPRESSED:
            packed = gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(packed)


def _order(name: str) -> tuple[bool, bool]:
    return name.startswith("index.html"), "/immutable/" not in name


def _read_names(record: Path) -> list[str]:
    try:
        names = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return names if isinstance(names, list) else []
