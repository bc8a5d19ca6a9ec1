"""A file of a source, once it is on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class LocalFile:
    """One file of a source on this machine, not compressed, and what a person calls it."""

    path: Path
    shown: str
    format: str


def size_of(files: Iterable[LocalFile]) -> int:
    """How many bytes some files have."""
    return sum(file.path.stat().st_size for file in files)
