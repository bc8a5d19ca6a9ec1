"""The list of advisories is about the versions that are locked."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dataflow_tools.site.npm_install import site_files

PAGE = Path(__file__).parents[2] / "docs" / "advisories.md"


def test_each_version_of_the_list_is_locked() -> None:
    """A version that was raised leaves the list, and one with foreign code is not in the lock."""
    lock = json.loads((site_files() / "package-lock.json").read_text(encoding="utf-8"))
    locked = {
        (place.rpartition("node_modules/")[2], entry.get("version"))
        for place, entry in lock["packages"].items()
    }
    page = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([^`]+)` \| ([\d.]+) \|", page, re.MULTILINE)
    assert len(listed) == page.count("| GHSA-")
    assert [each for each in listed if each not in locked] == []
    bad = page[page.index("What is not in the lock file") :]
    foreign = re.findall(r"`([^` ]+)` (\d+\.\d+\.\d+)", bad.partition(")")[0])
    assert len(foreign) == 5
    assert [each for each in foreign if each in locked] == []
    # What `dev` and `build` run.
    assert lock["packages"]["node_modules/vite"]["version"] in page
