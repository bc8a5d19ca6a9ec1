"""The files that a warm process has loaded, and whether they are still what they were."""

from __future__ import annotations

import os
import sys
import time

# File systems give times a little late.
_SLACK_NS = 20_000_000

_Look = tuple[int, int, int] | None


class LoadedFiles:
    """What is in memory of files, from before the first import until now."""

    def __init__(self) -> None:
        self._began = time.time_ns() - _SLACK_NS
        self._known: dict[str, _Look] = {}

    def remember(self) -> None:
        """Note the files of all modules that are loaded now."""
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and os.path.isabs(path):  # noqa: PTH117 - thousands of them
                self._known[path] = _look(path)

    def changed(self) -> str:
        """A file that has been changed since, or while they were loaded; empty if none has."""
        for path, known in self._known.items():
            found = _look(path)
            if found != known or (found is not None and found[0] > self._began):
                return path
        return ""


def _look(path: str) -> _Look:
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of them
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
