"""A folder that several machines reach, or several projects of one machine."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock, Timeout

from dataflow.shared.file_store import Content, NotStoredError, StoredFile, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Files under way have such names, and those that somebody died over keep them.
_ASIDE = ".incoming-"
_LOCK = ".lock"
_SECONDS_TO_WAIT = 20.0


@dataclass(frozen=True)
class FolderStore:
    """A `FileStore` in a folder.

    The folder has to be there: one that is made anew where a disk is not mounted would take files
    that no other machine sees.

    Args:
        folder: The folder.
        setting: The setting that names it.
    """

    folder: Path
    setting: str

    @property
    def url(self) -> str:
        """The folder."""
        return str(self.folder)

    def put(self, source: Path, name: str) -> None:
        """Copy a file of this machine into the store."""
        with self._explained(), self._replacing(name) as aside:
            shutil.copyfile(source, aside)

    def get(self, name: str, target: Path) -> None:
        """Copy a file to this machine."""
        with self._explained():
            aside = target.with_name(f"{_ASIDE}{uuid4().hex}")
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(self.folder / name, aside)
                aside.replace(target)
            except FileNotFoundError as error:
                raise NotStoredError(
                    f"There is no {name} in {self.url}.", "Run the workflow again."
                ) from error
            finally:
                aside.unlink(missing_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whatever there was."""
        with self._explained(), self._replacing(name) as aside:
            aside.write_bytes(data)

    def read(self, name: str) -> Content:
        """Read a small file."""
        with self._explained():
            return self._content(name)

    def write_if(self, name: str, data: bytes, version: str) -> bool:
        """Write a small file if it still is what was read; say whether it was."""
        with self._explained():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Of all files of a folder one lock: it is not deleted with them.
            with FileLock(self.folder / _LOCK, timeout=_SECONDS_TO_WAIT):
                if self._content(name).version != version:
                    return False
                with self._replacing(name) as aside:
                    aside.write_bytes(data)
                return True

    def size(self, name: str) -> int | None:
        """How many bytes a file has; None if there is none."""
        with self._explained():
            try:
                return (self.folder / name).stat().st_size
            except FileNotFoundError:
                return None

    def list(self, folder: str = "") -> list[StoredFile]:
        """All files below a folder, which need not exist."""
        found = []
        with self._explained():
            for path in sorted((self.folder / folder).rglob("*")):
                # What somebody deletes meanwhile is not there.
                with suppress(FileNotFoundError):
                    facts = path.stat()
                    if path.is_file() and path.name != _LOCK and not path.name.startswith(_ASIDE):
                        name = path.relative_to(self.folder).as_posix()
                        modified = datetime.fromtimestamp(facts.st_mtime, UTC)
                        found.append(StoredFile(name, facts.st_size, modified))
        return found

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that are gone already are as good."""
        with self._explained():
            for name in names:
                path = self.folder / name
                path.unlink(missing_ok=True)
                for parent in path.parents:
                    if parent == self.folder or not _is_empty(parent):
                        break
                    with suppress(OSError):  # another file has come into it
                        parent.rmdir()

    def delete_folder(self, folder: str) -> None:
        """Delete all files below a folder, which need not exist."""
        with self._explained():
            shutil.rmtree(self.folder / folder, ignore_errors=True)

    def _content(self, name: str) -> Content:
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return Content(None, "")
        return Content(data, hashlib.sha256(data).hexdigest()[:32])

    @contextmanager
    def _replacing(self, name: str) -> Iterator[Path]:
        target = self.folder / name
        aside = target.with_name(f"{_ASIDE}{uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        if not self.folder.is_dir():
            raise StoreError(
                f"The folder {self.folder} of the setting {self.setting} is not there.",
                "Create it, or mount the disk that it is on.",
            )
        try:
            yield
        except Timeout as error:
            raise StoreError(
                f"{self.folder / _LOCK} has been locked for {_SECONDS_TO_WAIT:g} seconds.",
                "End the program that holds it, and try again.",
            ) from error
        except OSError as error:
            raise StoreError(
                f"The folder {self.folder} of the setting {self.setting} cannot be used: "
                f"{error.strerror or error}.",
                "Check that it is mounted, that it has room, and who may write there.",
            ) from error


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False
