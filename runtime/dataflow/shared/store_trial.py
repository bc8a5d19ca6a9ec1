"""Trying a shared place before anything depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from dataflow.shared.file_store import StoreError

if TYPE_CHECKING:
    from dataflow.shared.file_store import FileStore


def try_store(store: FileStore) -> str:
    """Write, read, list and delete a file that nobody else reads; says what was found.

    Raises:
        StoreError: One of them is not possible, or a write does not heed its condition.
    """
    folder = f".trial-{uuid4().hex}"
    name = f"{folder}/file"
    try:
        if not store.write_if(name, b"first", ""):
            raise _fault(store, "says that a new file is there already")
        read = store.read(name)
        if read.data != b"first" or [each.name for each in store.list(folder)] != [name]:
            raise _fault(store, "does not give back what was written")
        if store.write_if(name, b"second", "") or not store.write_if(name, b"third", read.version):
            raise _fault(store, "does not heed the condition of a write")
    finally:
        store.delete([name])
    if store.read(name).data is not None:
        raise _fault(store, "keeps what was deleted")
    return f"written, read, listed and deleted, with conditional writes, at {store.url}"


def _fault(store: FileStore, what: str) -> StoreError:
    return StoreError(
        f"The store at {store.url} {what}.",
        "Use one that several machines can work on, such as S3, Google, Azure or a shared folder.",
    )
