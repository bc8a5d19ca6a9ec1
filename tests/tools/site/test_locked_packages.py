"""The lock file of the dashboards' packages."""

from __future__ import annotations

import json
import runpy
from typing import Any

from tests.conftest import REPOSITORY

from dataflow_tools.site.npm_install import site_files

PRUNE = runpy.run_path(str(REPOSITORY / ".ci" / "prune_site_lock.py"))


def test_only_what_a_site_is_built_with_is_installed() -> None:
    """No package is there for its authors' tests alone, and none lacks what it asks for."""
    packages: dict[str, dict[str, Any]] = json.loads(
        (site_files() / "package-lock.json").read_text(encoding="utf-8")
    )["packages"]
    before = set(packages)
    lacking = {
        f"{place}: {name}"
        for place, entry in packages.items()
        for name in entry.get("dependencies", {})
        if not PRUNE["place_of"](packages, place, name)
    }
    PRUNE["prune"](packages)
    assert lacking == set()
    assert set(packages) == before
