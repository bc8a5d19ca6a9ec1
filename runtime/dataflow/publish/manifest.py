"""The manifest: which version of which table the dashboards show.

It lies in the public folder of this machine, or in the place that `publish_target` names.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest_content import (
    RUN_SECONDS,
    Manifest,
    manifest_content,
    parse_manifest,
)
from dataflow.publish.publish_target import PublishTarget
from dataflow.shared.project import Project

# A page that was opened before a table was published anew goes on reading the version it began
# with, until it is reloaded.
STALE_AFTER_SECONDS = 6 * 3600.0
# In the names of folders that a run has staged.
RUNS_MARK = "@"


def read_manifest(folders: SiteFolders) -> Manifest:
    """Read the manifest; an empty one if nothing was ever published.

    Raises:
        StoreError: It lies in a shared place that cannot be reached.
    """
    if folders.target is not None:
        return PublishTarget(folders.target).read_manifest()
    try:
        return parse_manifest(folders.manifest.read_bytes())
    except (FileNotFoundError, ValueError):
        return Manifest()


def replace_tables(
    folders: SiteFolders,
    workflow_id: str,
    staged: dict[str, tuple[Path, str]],
    notes: dict[str, Any],
    stale_after: float = STALE_AFTER_SECONDS,
) -> None:
    """Make the staged files the tables of one workflow, all of them at one moment."""
    with replacing_tables(folders, workflow_id, staged, notes, stale_after):
        pass


@contextmanager
def replacing_tables(
    folders: SiteFolders,
    workflow_id: str,
    staged: dict[str, tuple[Path, str]],
    notes: dict[str, Any],
    stale_after: float = STALE_AFTER_SECONDS,
) -> Iterator[None]:
    """Make the staged files the tables of one workflow when the block ends, unless it raises.

    A reader sees the old tables or the new ones, whenever it looks and however this ends. All
    that takes time is done when the block begins; what is left is one rename.

    Args:
        workflow_id: Other workflows' entries stay.
        staged: Per table, its file in the staging folder and the hash of its content. A file that
            was moved to its place before a crash need not be there.
        notes: What the pages tell about the workflow.
        stale_after: Seconds for which replaced versions stay readable.
    """
    if folders.target is not None:
        with PublishTarget(folders.target).replacing_tables(
            workflow_id, staged, notes, stale_after
        ):
            yield
        _sweep_staging(folders, stale_after)
        return
    with FileLock(folders.lock_file("publish")):
        manifest = read_manifest(folders)
        before = set(manifest.tables.get(workflow_id, []))
        files = []
        for table, (path, digest) in sorted(staged.items()):
            home = folders.data / workflow_id / table / digest / f"{table}.parquet"
            home.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() or not home.exists():
                path.replace(home)
            files.append(home.relative_to(folders.public).as_posix())
        # A power cut must not leave a manifest whose files are not yet where it says.
        names = {folder for name in files for folder in (folders.public / name).parents}
        for folder in sorted(name for name in names if name.is_relative_to(folders.data)):
            _sync_folder(folder)
        for name in before.difference(files):
            # Its grace begins now. A version that is gone already needs none.
            with suppress(FileNotFoundError):
                os.utime(folders.public / name)
        manifest.tables[workflow_id] = files
        manifest.workflows[workflow_id] = {**manifest.workflows.get(workflow_id, {}), **notes}
        aside = _write_aside(folders, manifest)
        yield
        _put_in_place(folders, aside)
    _sweep(folders, workflow_id, stale_after)


def note_run(
    project: Project, workflow_id: str, run: dict[str, Any], overdue_after: float | None = None
) -> None:
    """Have the index page show how a workflow's last run went.

    Args:
        run: JSON values: ``status`` (``success``, ``failure`` or ``running``), ``ended_at`` or
            ``started_at`` (ISO 8601) and, if there is one, ``url``, where the run can be seen.
        overdue_after: Seconds after which published data is overdue; without a schedule ``None``.
    """
    folders = SiteFolders.of(project)
    if folders.target is not None:
        target = PublishTarget(folders.target)
        target.change(lambda manifest: _note_run(manifest, workflow_id, run, overdue_after))
        return
    with _changing(folders) as manifest:
        _note_run(manifest, workflow_id, run, overdue_after)


def rename_workflow(folders: SiteFolders, old: str, new: str) -> None:
    """Give what a workflow has published another workflow's name; it may be called again."""
    if folders.target is not None:
        PublishTarget(folders.target).rename_workflow(old, new)
        return
    manifest = read_manifest(folders)
    if old not in manifest.tables and old not in manifest.workflows:
        return
    with _changing(folders) as manifest:
        source, target = folders.data / old, folders.data / new
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            source.replace(target)
        prefix = f"{source.relative_to(folders.public).as_posix()}/"
        after = f"{target.relative_to(folders.public).as_posix()}/"
        for entries in (manifest.tables, manifest.workflows):
            if old in entries:
                entries[new] = entries.pop(old)  # type: ignore[assignment]
        if new in manifest.tables:
            manifest.tables[new] = [
                after + path.removeprefix(prefix) if path.startswith(prefix) else path
                for path in manifest.tables[new]
            ]


def forget_workflows(folders: SiteFolders, known: set[str]) -> list[str]:
    """Drop the entries and the files of workflows that are not in ``known``; say which."""
    if folders.target is not None:
        return PublishTarget(folders.target).forget_workflows(known)
    manifest = read_manifest(folders)
    present = {path.name for path in folders.data.glob("*") if path.is_dir()}
    if not (present | set(manifest.tables) | set(manifest.workflows)) - known:
        return []
    with _changing(folders) as manifest:
        present = {path.name for path in folders.data.glob("*") if path.is_dir()}
        gone = (present | set(manifest.tables) | set(manifest.workflows)) - known
        for name in gone:
            manifest.tables.pop(name, None)
            manifest.workflows.pop(name, None)
    for name in gone:
        shutil.rmtree(folders.data / name, ignore_errors=True)
    return sorted(gone)


def _note_run(
    manifest: Manifest, workflow_id: str, run: dict[str, Any], overdue_after: float | None
) -> None:
    notes = manifest.workflows.setdefault(workflow_id, {})
    notes["run"] = run
    notes.pop("overdue_after", None)
    if overdue_after is not None:
        notes["overdue_after"] = overdue_after


@contextmanager
def _changing(folders: SiteFolders) -> Iterator[Manifest]:
    with FileLock(folders.lock_file("publish")):
        manifest = read_manifest(folders)
        yield manifest
        _put_in_place(folders, _write_aside(folders, manifest))


def _write_aside(folders: SiteFolders, manifest: Manifest) -> Path:
    folders.data.mkdir(parents=True, exist_ok=True)
    folders.staging.mkdir(parents=True, exist_ok=True)
    aside = folders.staging / f"manifest.{os.getpid()}"
    with aside.open("wb") as file:
        file.write(manifest_content(manifest))
        file.flush()
        os.fsync(file.fileno())
    return aside


def _put_in_place(folders: SiteFolders, aside: Path) -> None:
    aside.replace(folders.manifest)
    _sync_folder(folders.data)


def _sync_folder(folder: Path) -> None:
    """Get the names in a folder onto the disk; Windows does so by itself and has no way to ask."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folders: SiteFolders, workflow_id: str, stale_after: float) -> None:
    with FileLock(folders.lock_file("publish")):
        current = set(read_manifest(folders).tables.get(workflow_id, []))
        oldest = time.time() - stale_after
        for path in (folders.data / workflow_id).glob("*/*/*.parquet"):
            name = path.relative_to(folders.public).as_posix()
            if name not in current and path.stat().st_mtime <= oldest:
                shutil.rmtree(path.parent, ignore_errors=True)
        _sweep_staging(folders, stale_after)


def _sweep_staging(folders: SiteFolders, stale_after: float) -> None:
    oldest = time.time() - stale_after
    for leftover in folders.staging.glob("*"):
        grace = RUN_SECONDS if RUNS_MARK in leftover.name else 0.0
        if leftover.stat().st_mtime > oldest - grace:
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
