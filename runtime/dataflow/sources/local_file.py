"""A file of a source, once it is on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LocalFile:
    """One file of a source on this machine, not compressed, and what a person calls it."""

    path: Path
    shown: str
    format: str
