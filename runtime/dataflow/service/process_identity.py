"""Which process it is: a process id is given again, the time at which a process began is not."""

from __future__ import annotations

import os
from pathlib import Path

_STAT = "/proc/{}/stat"
# What stands behind the name of the program, which may hold spaces and brackets itself.
_STATE, _STARTED = 0, 19
_ENDED = ("Z", "X")


def process_identity(pid: int | None = None) -> str:
    """The id of a process and when it began, as one word to be kept; by default of this one.

    Raises:
        ProcessLookupError: There is no such process.
    """
    pid = os.getpid() if pid is None else pid
    return f"{pid}@{_facts(pid)[1]}"


def living_process(identity: str) -> int | None:
    """The id of the process that is meant, if that very process is still there."""
    word, _, started = identity.partition("@")
    try:
        pid = int(word)
        state, began = _facts(pid)
    except (ValueError, ProcessLookupError):
        return None
    # Who was killed stays listed until somebody waits for it.
    return pid if began == started and state not in _ENDED else None


def _facts(pid: int) -> tuple[str, str]:
    """State and start of a process, the start in ticks since the machine was booted."""
    try:
        text = Path(_STAT.format(pid)).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    words = text.rpartition(")")[2].split()
    return words[_STATE], words[_STARTED]
