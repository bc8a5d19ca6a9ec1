"""Files in a place that several machines reach: a shared folder, or a bucket of an object store.

The settings `state_store` and `publish_target` name one. Names of files in it are paths with `/`,
from the place that the setting names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path


class StoreError(DataflowError):
    """A shared folder or object store does not do what is asked of it.

    Why: A setting (`publish_target`, `state_store`) names a folder or a bucket, which is not
    there, is not writable, is full, or does not keep the conditions by which two machines stay
    out of each other's way.

    What to do: What the message names, then `dataflow env check`, which writes, reads and
    deletes a file there.
    """

    http_status = 503


class NotStoredError(StoreError):
    """There is no such file."""

    http_status = 404


@dataclass(frozen=True)
class StoredFile:
    """One file of a store.

    Args:
        modified: When it was written, by the store's clock.
    """

    name: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Content:
    """What a file held when it was read.

    Args:
        data: Its bytes; None if there was no file.
        version: What `FileStore.write_if` tells by whether it is still the same; empty for no file.
    """

    data: bytes | None
    version: str


class FileStore(Protocol):
    """A place for files. Each file is there whole or not at all, whoever is killed.

    Each call raises `StoreError` if the store cannot be reached, or refuses; within half a minute,
    except for as long as a large file moves.
    """

    @property
    def url(self) -> str:
        """The place, as people may read it."""

    def put(self, source: Path, name: str) -> None:
        """Copy a file of this machine into the store."""

    def get(self, name: str, target: Path) -> None:
        """Copy a file to this machine, where it is there whole or not at all.

        Raises:
            NotStoredError: There is none.
        """

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whatever there was."""

    def read(self, name: str) -> Content:
        """Read a small file."""

    def write_if(self, name: str, data: bytes, version: str) -> bool:
        """Write a small file if it still is what was read; say whether it was.

        Where the store's answer was lost on its way and it was asked again, it says no though it
        has written: whoever calls reads again, and finds there what it wanted to be there.

        Args:
            version: That of the content that was read; empty if there was no file.

        Raises:
            StoreError: The store writes without looking, as some that speak S3 do.
        """

    def size(self, name: str) -> int | None:
        """How many bytes a file has; None if there is none."""

    def list(self, folder: str = "") -> Sequence[StoredFile]:
        """All files below a folder, which need not exist."""

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that are gone already are as good."""

    def delete_folder(self, folder: str) -> None:
        """Delete all files below a folder, which need not exist."""
