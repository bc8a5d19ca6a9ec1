"""Counting how often files are really opened, by whichever program and library."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


@contextmanager
def counting_opens(*folders: Path) -> Iterator[Counter[str]]:
    """Count the opens of the files that lie directly in some folders, by their names.

    The kernel tells of them (inotify), so that what a library written in C opens is counted too.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init()
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    for folder in folders:
        assert libc.inotify_add_watch(descriptor, bytes(folder), _IN_OPEN) >= 0, folder
    counts: Counter[str] = Counter()
    # Events of one file that nobody has read yet are told as one: they are read at once.
    reading = threading.Thread(target=_read, args=(descriptor, counts), daemon=True)
    reading.start()
    end = folders[0] / "end-of-counting"
    try:
        yield counts
    finally:
        end.touch()
        reading.join(timeout=10)
        end.unlink()
        os.close(descriptor)


def _read(descriptor: int, counts: Counter[str]) -> None:
    while True:
        events = os.read(descriptor, 65_536)
        while events:
            *_, length = _EVENT.unpack_from(events)
            name = events[_EVENT.size : _EVENT.size + length].rstrip(b"\0").decode()
            events = events[_EVENT.size + length :]
            if name == "end-of-counting":
                return
            counts[name] += 1
