"""Whether what a process has loaded is still what lies on the disk."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from dataflow.service.warm_sources import LoadedFiles

HOUR = 3600 * 10**9


@pytest.mark.parametrize("change", ["edited", "replaced", "removed", "while loading"])
def test_a_changed_file_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """By its size, its time, or as another file of that name."""
    path = tmp_path / "library.py"
    path.write_text("EDITION = 1\n")
    old = time.time_ns() - HOUR
    os.utime(path, ns=(old, old))
    module = ModuleType("library")
    module.__file__ = str(path)
    monkeypatch.setattr(sys, "modules", {"library": module})
    loaded = LoadedFiles()
    if change == "while loading":
        path.write_text("EDITION = 2\n")
    loaded.remember()
    if change == "edited":
        assert loaded.changed() == ""
        path.write_text("EDITION = 3\n")
    elif change == "replaced":
        new = tmp_path / "new.py"
        new.write_text("EDITION = 4\n")
        os.utime(new, ns=(old, old))
        new.replace(path)
    elif change == "removed":
        path.unlink()
    assert loaded.changed() == str(path)
