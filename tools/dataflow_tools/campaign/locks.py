"""Who works on what: one process per campaign, and one per repository on this machine."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.versions import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class CampaignBusyError(DataflowError):
    """Another process works on the same campaign."""


@contextmanager
def campaign_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time work on a campaign.

    Raises:
        CampaignBusyError: Another one does; the error has its process id.
    """
    holder = _open(folder / "lock")
    try:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CampaignBusyError(
                f"The campaign in {folder} is being worked on by process {_pid(holder)}.",
                "Wait for it to end, or stop it; then run this again. `dataflow campaign report` "
                "shows how far it is.",
            ) from None
        _sign(holder)
        yield
    finally:
        os.close(holder)


@contextmanager
def repository_lock(address: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Let one campaign at a time work on a repository; others wait for their turn.

    The system gives the lock back when a process dies, however it dies.

    Args:
        waiting: Told for whom is waited.
    """
    folder = cache_folder().with_name("campaigns")
    folder.mkdir(parents=True, exist_ok=True)
    holder = _open(folder / f"{sha256(address.encode()).hexdigest()[:24]}.lock")
    try:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            waiting(f"waiting for process {_pid(holder)}, which has another campaign there")
            fcntl.flock(holder, fcntl.LOCK_EX)
        _sign(holder)
        yield
    finally:
        os.close(holder)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _sign(holder: int) -> None:
    os.ftruncate(holder, 0)
    os.pwrite(holder, f"{os.getpid()}\n".encode(), 0)


def _pid(holder: int) -> str:
    return os.pread(holder, 32, 0).decode(errors="replace").strip() or "unknown"
