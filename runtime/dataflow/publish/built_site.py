"""The built site in the public folder, where it lies beside the published data."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.publish.folders import SiteFolders


def install_site(source: SiteFolders, folders: SiteFolders) -> None:
    """Install a site that was built elsewhere, such as in an image, over the published data.

    Nothing in ``source`` changes.

    Raises:
        BadInputError: There is no built site in ``source``.
    """
    if not (source.public / "index.html").is_file() or not source.build_record.is_file():
        raise BadInputError(
            f"{source.base} holds no built site.",
            "Name a copy of .dataflow/site of a project in which `dataflow evidence build` ran.",
        )
    draft = folders.base / "incoming"
    with FileLock(folders.lock_file("build")):
        shutil.rmtree(draft, ignore_errors=True)
        ignored = shutil.ignore_patterns(source.data.name)
        shutil.copytree(
            source.public,
            draft,
            ignore=lambda at, names: ignored(at, names) if at == str(source.public) else set(),
        )
        replace_site(draft, folders)
        shutil.copyfile(source.build_record, folders.build_record)
        shutil.rmtree(draft)


def replace_site(built: Path, folders: SiteFolders) -> None:
    """Put a newly built site in the place of the old one, with no moment in which there is none.

    Files whose names carry a hash of their content come first, and the page that names them last.
    Those of the build before stay until the next one, since pages that are open may still ask
    for them. The published data is left alone. The files in ``built`` are moved away.
    """
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


def _order(name: str) -> tuple[bool, bool]:
    return name.startswith("index.html"), "/immutable/" not in name


def _read_names(record: Path) -> list[str]:
    try:
        names = json.loads(record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return names if isinstance(names, list) else []
