from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.user_cache import cache_folder, link_or_copy, mark_used


def test_without_a_home_things_lie_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's user may have no folder that can be written to."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    folders = EvidenceFolders(tmp_path / "site")

    assert cache_folder(folders, "shells") == folders.base / "cache" / "shells"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder(folders, "shells") == tmp_path / "cache" / "dataflow" / "site" / "shells"


def test_what_nobody_used_for_months_is_removed(tmp_path: Path) -> None:
    """Packages of old versions do not fill the disk."""
    for name, days in (("old", 100), ("used", 100), ("new", 1)):
        (tmp_path / name).mkdir()
        before = time.time() - days * 24 * 3600
        os.utime(tmp_path / name, (before, before))

    mark_used(tmp_path / "used")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "used"]


def test_a_file_of_the_cache_stays_when_its_other_place_is_replaced(tmp_path: Path) -> None:
    """A site is replaced file by file, and the cache keeps what it had."""
    (tmp_path / "cache.js").write_text("first")
    link_or_copy(tmp_path / "cache.js", tmp_path / "site" / "a.js")
    (tmp_path / "new.js").write_text("second")

    (tmp_path / "new.js").replace(tmp_path / "site" / "a.js")

    assert (tmp_path / "cache.js").read_text() == "first"
