"""One update of a project at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class UpdateBusyError(DataflowError):
    """Another update of the same project is running.

    Why: Two updates at once would merge into each other's files.

    What to do: Wait; a killed update holds nothing, and the next one finishes it.
    """


@contextmanager
def only_one_update(state: Path) -> Iterator[None]:
    """Hold a project for this process, so that no other changes its files.

    Args:
        state: The project's `journal_folder`.

    Raises:
        UpdateBusyError: Another process holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    # Whatever the project's own .gitignore says, none of this may be committed.
    (state / ".gitignore").write_text("*\n", encoding="utf-8")
    lock = FileLock(state / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UpdateBusyError(
            "Another update of this project is running.", "Wait for it to end, then run this again."
        ) from None
    try:
        yield
    finally:
        lock.release()
