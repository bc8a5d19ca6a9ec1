"""One launch at a time for what must be looked at and done in one, on all machines of a service."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from dataflow.runs.shared_run import state_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.shared.project import Project

_SECONDS_TO_WAIT = 30.0
_SECONDS_BETWEEN_LOOKS = 0.1


@contextmanager
def claimed_launch(
    project: Project, name: str, is_done: Callable[[], bool], patience: float = _SECONDS_TO_WAIT
) -> Iterator[None]:
    """Be the only one of a project's services that launches something, for the block.

    Services that share a history and a `state_store` may be asked for the same run at once. Without
    the setting there is only one machine, whose processes have a lock of their own.

    Args:
        name: What is launched, as a name of a file.
        is_done: Whether another one has launched it meanwhile: then nobody need be waited for.
        patience: Seconds after which who has claimed it is taken for dead.

    Raises:
        StoreError: The shared place cannot be reached; nothing was launched.
    """
    store = state_store(project)
    if store is None:
        yield
        return
    file, claim = f"launches/{name}", uuid4().hex.encode()
    deadline, other = time.monotonic() + patience, ""
    is_ours = store.write_if(file, claim, "")
    while not is_ours and not is_done():
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        found = store.read(file)
        if found.version != other:
            # It is the turn of a next one, who has as much time.
            deadline, other = time.monotonic() + patience, found.version
        if found.data == claim:
            # It was written, and the answer was lost.
            is_ours = True
        elif found.data is None or time.monotonic() > deadline:
            is_ours = store.write_if(file, claim, found.version)
    try:
        yield
    finally:
        if is_ours and store.read(file).data == claim:
            store.delete([file])
