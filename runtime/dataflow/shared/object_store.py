"""A bucket of an object store, or a folder in one, by fsspec."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dataflow.shared.conditional_write import read_object, write_object_if
from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.file_store import Content, NotStoredError, StoredFile, StoreError
from dataflow.shared.object_store_errors import is_missing_file, store_error
from dataflow.shared.redaction import register_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SECRET_VARIABLES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_SAS_TOKEN",
)
# A store that is not there has to be told of soon; three tries outlast a server's short faint.
_CONNECT_SECONDS = 3
_READ_SECONDS = 20
_TRIES = 3


class ObjectStore:
    """A `FileStore` in an object store. An object is replaced whole, so no name is needed aside.

    Args:
        url: The place, without a key or a password.
        protocol: What fsspec calls it.
        extra: The extra of dataflow-runtime that has what fsspec needs for it.
        setting: The setting that names it.
    """

    def __init__(self, url: str, protocol: str, extra: str, setting: str) -> None:
        self._url = url
        self._protocol = protocol
        self._extra = extra
        self._setting = setting
        self._opened: tuple[int, Any] | None = None
        self._looks = False

    @property
    def url(self) -> str:
        """The place."""
        return self._url

    def put(self, source: Path, name: str) -> None:
        """Copy a file of this machine into the store."""
        with self._explained(f"write {name}"):
            self._system.put_file(str(source), self._path(name))

    def get(self, name: str, target: Path) -> None:
        """Copy a file to this machine."""
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".incoming-{uuid4().hex}")
        try:
            with self._explained(f"read {name}"):
                self._system.get_file(self._path(name), str(aside))
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whatever there was."""
        with self._explained(f"write {name}"):
            self._system.pipe_file(self._path(name), data)

    def read(self, name: str) -> Content:
        """Read a small file."""
        try:
            with self._explained(f"read {name}"):
                return read_object(self._system, self._protocol, self._path(name))
        except NotStoredError:
            return Content(None, "")

    def write_if(self, name: str, data: bytes, version: str) -> bool:
        """Write a small file if it still is what was read; say whether it was."""
        if not version and not self._looks:
            self._require_conditions(name)
        with self._explained(f"write {name}"):
            return write_object_if(self._system, self._protocol, self._path(name), data, version)

    def size(self, name: str) -> int | None:
        """How many bytes a file has; None if there is none."""
        try:
            with self._explained(f"look for {name}"):
                return int(self._system.info(self._path(name))["size"])
        except NotStoredError:
            return None

    def list(self, folder: str = "") -> list[StoredFile]:
        """All files below a folder, which need not exist."""
        try:
            with self._explained(f"list {folder or 'all files'}"):
                found = self._system.find(self._path(folder), detail=True)
        except NotStoredError:
            return []
        start = len(self._path(""))
        return [
            StoredFile(path[start:], int(about["size"]), _modified(about))
            for path, about in sorted(found.items())
            if about.get("type") == "file" and path[start:]
        ]

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that are gone already are as good."""
        for name in names:
            try:
                with self._explained(f"delete {name}"):
                    self._system.rm_file(self._path(name))
            except NotStoredError:
                continue

    def delete_folder(self, folder: str) -> None:
        """Delete all files below a folder, which need not exist."""
        self.delete([file.name for file in self.list(folder)])

    def _require_conditions(self, name: str) -> None:
        """Refuse a store that writes without looking: whoever writes last would win in silence.

        It is tried out where a file is made for the first time, by one that nobody reads.
        """
        probe = f"{name}.probe-{uuid4().hex}"
        with self._explained(f"write {name}"):
            path = self._path(probe)
            write_object_if(self._system, self._protocol, path, b"1", "")
            self._looks = not write_object_if(self._system, self._protocol, path, b"2", "")
        self.delete([probe])
        if not self._looks:
            raise StoreError(
                f"The store at {self._url} ignores the condition of a write (`If-None-Match`): "
                "two machines that write at once would undo each other's work.",
                f"Use a store with conditional writes for {self._setting}, such as those of AWS, "
                "Google, Azure, or a current MinIO or Ceph.",
            )

    def _path(self, name: str) -> str:
        """What fsspec calls a file: bucket and key, without the scheme."""
        place = self._system._strip_protocol(self._url).rstrip("/")
        return f"{place}/{name}"

    @property
    def _system(self) -> Any:
        """The file system of fsspec; a process that was forked needs one of its own."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), self._open())
        return self._opened[1]

    def _open(self) -> Any:
        for variable in _SECRET_VARIABLES:
            register_secret(os.environ.get(variable, ""))
        try:
            import fsspec

            kind = fsspec.get_filesystem_class(self._protocol)
        except ImportError as error:
            raise MissingDependencyError(
                f"{self._setting} = {self._url} needs a package that is not installed: {error}",
                f"Install it: pip install 'dataflow-runtime[{self._extra}]'",
            ) from error
        system = kind(
            **_options(self._protocol), use_listings_cache=False, skip_instance_cache=True
        )
        if self._protocol == "s3":
            # The client below it tries again by itself.
            system.retries = 1
        return system

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (MissingDependencyError, StoreError):
            raise
        except Exception as error:  # each store's client raises kinds of its own
            if is_missing_file(error) and not doing.startswith("write"):
                raise NotStoredError(
                    f"Cannot {doing} in {self._url}: there is no such file.",
                    "Run the workflow again.",
                ) from error
            raise store_error(error, doing, self._url, self._setting) from error


def _options(protocol: str) -> dict[str, Any]:
    """What a client is told beside what it takes from the variables that it knows."""
    if protocol == "s3":
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return {
            "client_kwargs": {"region_name": region} if region else {},
            "config_kwargs": {
                "connect_timeout": _CONNECT_SECONDS,
                "read_timeout": _READ_SECONDS,
                "retries": {"total_max_attempts": _TRIES, "mode": "standard"},
            },
        }
    if protocol == "abfs":
        has_key = any(os.environ.get(name) for name in _SECRET_VARIABLES if "AZURE" in name)
        return {
            "connection_timeout": _CONNECT_SECONDS,
            "read_timeout": _READ_SECONDS,
            # Without a key, as whoever the machine is logged in as.
            **({} if has_key else {"anon": False}),
        }
    return {"timeout": _READ_SECONDS}


def _modified(about: dict[str, Any]) -> datetime:
    found = next(
        (about[key] for key in ("LastModified", "last_modified", "updated") if about.get(key)), None
    )
    if isinstance(found, str):
        return datetime.fromisoformat(found)
    return found if isinstance(found, datetime) else datetime.now(UTC)
