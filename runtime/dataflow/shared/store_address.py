"""Which place a setting names: a folder, or a bucket of an object store."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from dataflow.shared.file_store import FileStore

# By the scheme of an address: what fsspec calls the file system, and the extra that brings it.
_OBJECT_STORES = {
    "s3": ("s3", "s3"),
    "gs": ("gcs", "gcs"),
    "gcs": ("gcs", "gcs"),
    "az": ("abfs", "azure"),
    "abfs": ("abfs", "azure"),
    "abfss": ("abfs", "azure"),
}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_KINDS = "a folder, or an address that begins with s3://, gs://, az:// or file://"


def open_store(address: str, setting: str, root: Path) -> FileStore:
    """The store that a setting names.

    Nothing is asked of it yet, and heavy packages are imported by the first call.

    Args:
        address: What the setting says, such as ``s3://bucket/shop`` or ``/mnt/shared/shop``.
        setting: Its name, for messages.
        root: Where a relative folder begins.

    Raises:
        BadInputError: The address is of no kind that is known, or holds a password.

    >>> open_store("s3://acme-data/shop/", "state_store", Path()).url
    's3://acme-data/shop'
    """
    return _opened(address, setting, root)


def check_address(address: str, setting: str) -> str:
    """The scheme of an address, such as ``s3``; empty for a folder.

    Raises:
        BadInputError: It is of no kind that is known, or holds a password.

    >>> check_address("s3://acme-data/shop", "state_store"), check_address("/mnt/shop", "x")
    ('s3', '')
    """
    scheme = "" if _DRIVE.match(address) else urlsplit(address).scheme.lower()
    if scheme in ("", "file"):
        return scheme
    if scheme not in _OBJECT_STORES:
        raise BadInputError(
            f"{setting} = {quoted(address)}: {scheme}:// is not a place that machines can share.",
            f"Name {_KINDS}.",
        )
    parts = urlsplit(address)
    if "@" in parts.netloc and scheme not in ("abfs", "abfss"):
        raise BadInputError(
            f"{setting} holds a key or a password.",
            "Leave it out of the address, and set the variables that its makers' tools read, such "
            "as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if not parts.netloc or parts.query or parts.fragment:
        raise BadInputError(
            f"{setting} = {quoted(address)} does not name a bucket and a folder in it.",
            f"Write it as {scheme}://bucket/folder.",
        )
    return scheme


@lru_cache(maxsize=16)
def _opened(address: str, setting: str, root: Path) -> FileStore:
    scheme = check_address(address, setting)
    parts = urlsplit(address)
    if scheme in ("", "file"):
        from dataflow.shared.folder_store import FolderStore

        folder = unquote(parts.path) if scheme else address
        return FolderStore(root / Path(folder).expanduser(), setting)
    from dataflow.shared.object_store import ObjectStore

    protocol, extra = _OBJECT_STORES[scheme]
    return ObjectStore(
        f"{scheme}://{parts.netloc}{parts.path}".rstrip("/"), protocol, extra, setting
    )
