"""Loading large packages quickly."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Let no garbage collection walk over what is only being loaded, then or later.

    Dagster and dbt make half a million objects when they are imported, all of which stay. Walking
    over them again and again is an eighth of the time that a small run takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def collect_seldom() -> None:
    """Look for garbage less often, in a process that executes one run.

    A run makes many objects, few of which are in circles: looking after every 700 of them finds
    nothing again and again, and takes a twentieth of the time of a small run.
    """
    gc.set_threshold(50_000, 20, 20)
