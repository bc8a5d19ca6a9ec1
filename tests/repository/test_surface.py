"""What authors of workflows import is there, has the types it had, and the old paths lead there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import BIN, REPOSITORY
from tests.repository.surface.signatures import FILE, signatures

PROGRAM = str(REPOSITORY / "tests" / "repository" / "surface" / "author_program.py")


def test_names_and_signatures_are_those_that_were_promised() -> None:
    """A change that was meant is written down anew, as the module says, and in the change log."""
    assert signatures() == FILE.read_text()


@pytest.mark.slow
def test_a_typed_program_is_accepted(tmp_path: Path) -> None:
    """As an author's own mypy sees it: strictly, from an empty cache."""
    command = [str(BIN / "mypy"), "--strict", "--cache-dir", str(tmp_path), PROGRAM]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_program_runs_without_a_warning() -> None:
    """None of the paths in it is an old one."""
    command = [sys.executable, "-W", "always::DeprecationWarning", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is an old path" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from dataflow.ingestion.source import {}", ["read_source"]),
        ("from dataflow.transformation.stages import {}", ["apply_stages"]),
        (
            "from dataflow.orchestration.steps import {}",
            ["BuildResult", "LoadResult", "Steps", "StoredTable"],
        ),
    ],
)
def test_an_old_path_works_and_says_the_new_one(old: str, new: list[str]) -> None:
    """The same objects, and a warning at the line that imports them."""
    names = ", ".join(new)
    code = "\n".join(
        [
            "import dataflow.authoring",
            old.format(names),
            *(f"assert {name} is dataflow.authoring.{name}" for name in new),
        ]
    )
    command = [sys.executable, "-W", "always::DeprecationWarning", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "<string>:2: DeprecationWarning: " in done.stderr
    assert f"Write: from dataflow.authoring import {names}" in done.stderr


@pytest.mark.slow
def test_the_old_code_location_works_and_says_the_new_one(tmp_path: Path) -> None:
    """A workspace.yaml of version 0.1 names it."""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    code = (
        "from dataflow.orchestration.definitions import defs\n"
        "import dataflow.runs.code_location as new\n"
        "assert defs is new.defs"
    )
    command = [sys.executable, "-W", "always::DeprecationWarning", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "module_name: dataflow.runs.code_location, in workspace.yaml" in done.stderr
