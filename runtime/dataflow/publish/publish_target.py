"""The published tables and their manifest in a place that several machines share.

Files have the hash of their content in their names and are never changed; the manifest is
replaced only by who has read the last one, so that of two machines that publish at once neither
undoes the other's work.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.publish.manifest_content import (
    RUN_SECONDS,
    Manifest,
    manifest_content,
    parse_manifest,
)
from dataflow.shared.file_store import StoreError
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dataflow.shared.file_store import FileStore, StoredFile

log = get_logger(__name__)

MANIFEST = "data/manifest.json"
# How long the manifest is tried for while others change it, one after another.
_SECONDS_TO_WIN = 60.0
_LONGEST_WAIT = 1.0


class PublishTarget:
    """What is published, in a `FileStore`. Names are as below a public folder: ``data/...``."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def read_manifest(self) -> Manifest:
        """The manifest; an empty one if nothing was ever published.

        Raises:
            StoreError: The store cannot be reached, or holds something else under that name.
        """
        return self._parsed(self._store.read(MANIFEST).data)

    def change(self, apply: Callable[[Manifest], None]) -> Manifest:
        """Change the manifest, keeping what others change meanwhile; gives the one that is there.

        Args:
            apply: Changes the manifest that it is given; called again where another one was faster.

        Raises:
            StoreError: The store cannot be reached, or others were faster for a minute.
        """
        deadline = time.monotonic() + _SECONDS_TO_WIN
        longest = 0.02
        while True:
            read = self._store.read(MANIFEST)
            manifest = self._parsed(read.data)
            apply(manifest)
            content = manifest_content(manifest)
            if content == read.data or self._store.write_if(MANIFEST, content, read.version):
                return manifest
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{MANIFEST} in {self._store.url} was changed by others again and again.",
                    "Try again.",
                )
            # Not all at the same time again.
            time.sleep(longest * (1 + secrets.randbelow(100)) / 100)
            longest = min(longest * 2, _LONGEST_WAIT)

    def upload(self, workflow_id: str, staged: Mapping[str, tuple[Path, str]]) -> None:
        """Bring tables into the store, where nobody is told of them yet.

        Args:
            staged: Per table, its file and the hash of its content.
        """
        current = set(self.read_manifest().tables.get(workflow_id, []))
        for table, (path, digest) in staged.items():
            name = _file_name(workflow_id, table, digest)
            # One that is shown stays; any other gets a new time, and the sweep passes it over.
            if name not in current:
                self._store.put(path, name)

    @contextmanager
    def replacing_tables(
        self,
        workflow_id: str,
        staged: Mapping[str, tuple[Path, str]],
        notes: dict[str, Any],
        stale_after: float,
    ) -> Iterator[None]:
        """Make tables those of a workflow when the block ends, unless it raises.

        Raises:
            StoreError: A file is not in the store, and gone from this machine.
        """
        before = self.read_manifest()
        stored = self._store.list(f"data/{workflow_id}")
        # A sweep may be about to delete what was a table before.
        there = {file.name for file in stored if file.name not in before.replaced}
        files = []
        for table, (path, digest) in sorted(staged.items()):
            name = _file_name(workflow_id, table, digest)
            files.append(name)
            if name not in there:
                self._bring(name, path)
        yield

        def apply(manifest: Manifest) -> None:
            now = datetime.now(UTC)
            for name in set(manifest.tables.get(workflow_id, [])).difference(files):
                manifest.replaced[name] = now.isoformat()
            forgotten = now - timedelta(seconds=stale_after + 2 * RUN_SECONDS)
            manifest.replaced = {
                name: since
                for name, since in manifest.replaced.items()
                if name not in files and datetime.fromisoformat(since) > forgotten
            }
            manifest.tables[workflow_id] = files
            manifest.workflows[workflow_id] = {**manifest.workflows.get(workflow_id, {}), **notes}

        self._sweep(stored, self.change(apply), stale_after)

    def rename_workflow(self, old: str, new: str) -> None:
        """Give what a workflow has published another workflow's name; it may be called again."""
        manifest = self.read_manifest()
        if old not in manifest.tables and old not in manifest.workflows:
            return
        renamed = {}
        with tempfile.TemporaryDirectory() as folder:
            for name in manifest.tables.get(old, []):
                renamed[name] = name.replace(f"data/{old}/", f"data/{new}/", 1)
                copy = Path(folder) / "table"
                self._store.get(name, copy)
                self._store.put(copy, renamed[name])

        def apply(changed: Manifest) -> None:
            if old in changed.workflows:
                changed.workflows[new] = changed.workflows.pop(old)
            if old in changed.tables:
                changed.tables[new] = [renamed.get(each, each) for each in changed.tables.pop(old)]

        self.change(apply)
        self._delete_unused(old)

    def forget_workflows(self, known: set[str]) -> list[str]:
        """Drop the entries and the files of workflows that are not in ``known``; say which.

        Files of a workflow without an entry are those of a first run that has not ended yet.
        """
        manifest = self.read_manifest()
        gone = sorted((set(manifest.tables) | set(manifest.workflows)) - known)
        if not gone:
            return []

        def apply(changed: Manifest) -> None:
            for name in gone:
                changed.tables.pop(name, None)
                changed.workflows.pop(name, None)

        self.change(apply)
        for name in gone:
            self._delete_unused(name)
        return gone

    def _bring(self, name: str, path: Path) -> None:
        """Bring a file that is to be shown into the store once more, if this machine has it."""
        if path.exists():
            self._store.put(path, name)
        elif self._store.size(name) is None:
            raise StoreError(
                f"What was made ready for the dashboards is gone: {name} in {self._store.url}.",
                "Run the workflow again.",
            )

    def _delete_unused(self, workflow_id: str) -> None:
        """Delete the files below a workflow's name, except those that a manifest still names."""
        used = {name for files in self.read_manifest().tables.values() for name in files}
        found = [file.name for file in self._store.list(f"data/{workflow_id}")]
        self._store.delete(name for name in found if name not in used)

    def _sweep(self, stored: Sequence[StoredFile], manifest: Manifest, stale_after: float) -> None:
        """Delete versions that no page shows any more, once open pages have had their time.

        What was staged for a run that has not ended may be shown yet, for some days.
        """
        now = datetime.now(UTC)
        used = {name for files in manifest.tables.values() for name in files}
        old = []
        for file in stored:
            begins, grace = file.modified, RUN_SECONDS
            since = manifest.replaced.get(file.name)
            # One that was brought again after it had been replaced is staged.
            if since and file.modified <= datetime.fromisoformat(since):
                begins, grace = datetime.fromisoformat(since), stale_after
            if file.name not in used and begins + timedelta(seconds=grace) <= now:
                old.append(file.name)
        try:
            self._store.delete(old)
        except StoreError as error:
            # The next run sweeps; what this one has published is shown.
            log.warning(f"Old versions were not deleted: {error.reason}")

    def _parsed(self, data: bytes | None) -> Manifest:
        if data is None:
            return Manifest()
        try:
            return parse_manifest(data)
        except (ValueError, AttributeError) as error:
            # To begin anew would drop what other workflows have published.
            raise StoreError(
                f"{MANIFEST} in {self._store.url} is not a manifest.",
                "Delete it, and run each workflow, which publishes anew.",
            ) from error


def _file_name(workflow_id: str, table: str, digest: str) -> str:
    return f"data/{workflow_id}/{table}/{digest}/{table}.parquet"
