"""What became of each repository, written down line by line as it happens.

A line is written whole and flushed to the disk before anything else is done. Whoever is killed
leaves at most a part of a last line, which the next reader passes over.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class State(StrEnum):
    """Where a repository stands. The values are part of the ``--json`` output."""

    WAITING = "waiting"
    READY = "ready"
    CURRENT = "current"
    SKIPPED = "skipped"
    CONFLICT = "conflict"
    FAILED = "failed"
    CHECKS_FAILED = "checks-failed"
    PUSHED = "pushed"
    PROPOSED = "proposed"
    FOREIGN = "foreign"

    @property
    def is_failure(self) -> bool:
        """Whether it counts against its ring."""
        return self in {State.CONFLICT, State.FAILED, State.CHECKS_FAILED}

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do for the campaign."""
        return self in {
            *(State.CURRENT, State.SKIPPED, State.PUSHED, State.PROPOSED),
            State.FOREIGN,
        }


@dataclass(frozen=True)
class Entry:
    """What is known about one repository.

    Args:
        base: The commit that was updated.
        commit: The commit that was made of it.
        url: The pull request.
        updated: The workflows (and the project) that the commit updates.
        left_out: Those that it leaves as they are, and why.
        reason: Why it ended so, where that is not plain.
        instruction: What to do about it.
        seconds: How long it took.
    """

    repository: str
    state: State
    base: str = ""
    branch: str = ""
    commit: str = ""
    url: str = ""
    updated: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    instruction: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    time: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry as plain data, without what is empty."""
        found = {name: value for name, value in asdict(self).items() if value not in ("", [], {})}
        return {**found, "state": self.state.value, "seconds": round(self.seconds, 2)}


_FIELDS = {one.name for one in fields(Entry)}


class Ledger:
    """The file with one line for each thing that happened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}
        self._commits: dict[str, set[str]] = {}
        for line in path.read_bytes().split(b"\n") if path.exists() else ():
            entry = _read(line)
            if entry is not None:
                self._remember(entry)

    def latest(self, repository: str) -> Entry:
        """What is known last about a repository."""
        return self._entries.get(repository, Entry(repository, State.WAITING))

    def commits(self, repository: str) -> set[str]:
        """Every commit that the campaign has pushed, or was about to push, to a repository."""
        return self._commits.get(repository, set())

    def add(self, entry: Entry) -> Entry:
        """Write down what happened, for good."""
        entry = Entry(**{**entry.__dict__, "time": datetime.now(UTC).isoformat(timespec="seconds")})
        data = json.dumps(entry.as_json(), ensure_ascii=False).encode() + b"\n"
        with self._path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                # Whoever was killed may have left a line without its end.
                data = data if file.read(1) == b"\n" else b"\n" + data
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._remember(entry)
        return entry

    def _remember(self, entry: Entry) -> None:
        self._entries[entry.repository] = entry
        if entry.commit:
            self._commits.setdefault(entry.repository, set()).add(entry.commit)


def _read(line: bytes) -> Entry | None:
    try:
        found = json.loads(line)
        known = {name: value for name, value in found.items() if name in _FIELDS}
        return Entry(**{**known, "state": State(found["state"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
