"""The files that run this repository's own CI."""

from __future__ import annotations

import subprocess

from tests.conftest import BIN, REPOSITORY


def test_the_ci_files_are_valid() -> None:
    """What actionlint finds in them, shell scripts included, is a fault."""
    files = sorted(REPOSITORY.glob(".github/workflows/*.yml"))
    assert {file.name for file in files} >= {"ci.yml", "weekly.yml"}
    done = subprocess.run([BIN / "actionlint", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
