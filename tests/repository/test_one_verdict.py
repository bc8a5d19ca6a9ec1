"""The same code gets the same verdict from `make test`, however often and in whatever order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

DRAWING = """
import pathlib
from hypothesis import given, settings, strategies as st

drawn = []

@settings(max_examples=200)
@given(st.text(max_size=20) | st.integers())
def test_draws(value):
    drawn.append(value)

def test_writes_them_down():
    assert len(drawn) > 100
    pathlib.Path("drawn").write_text(ascii(drawn))
"""
OTHER = """
def test_of_another_module():
    import library
    assert library.KNOWN
"""
# Hypothesis tries what it finds written in such modules.
LIBRARY = """KNOWN = [1234567, 7654321, "a text of its own", "another one"]"""


def drawn(folder: Path, *files: str, profile: str = "fixed", **variables: str) -> str:
    """The examples that a run over ``files`` tries, with ``variables`` in its environment."""
    plugins = ["-p", "_hypothesis_pytestplugin", "-p", "tests.conftest"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, *files]
    command += ["-p", "no:cacheprovider", "--hypothesis-profile", profile, "--rootdir", str(folder)]
    # No others: they take longer to import than the tests to run.
    none = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    env = {**os.environ, **none, "PYTHONPATH": str(REPOSITORY), **variables}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "drawn").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file of tests that draws, and one that loads a module with constants."""
    (tmp_path / "test_drawing.py").write_text(DRAWING)
    (tmp_path / "test_other.py").write_text(OTHER)
    (tmp_path / "library.py").write_text(LIBRARY)
    return tmp_path


@pytest.mark.slow
def test_examples_do_not_depend_on_what_ran_before(folder: Path) -> None:
    """Alone, or after tests of another file in the same process: the same examples."""
    alone = drawn(folder, "test_drawing.py")
    assert drawn(folder, "test_drawing.py") == alone
    assert drawn(folder, "test_other.py", "test_drawing.py") == alone


@pytest.mark.slow
@pytest.mark.parametrize("ci", ["", "true"])
def test_the_random_search_tries_others_each_time(folder: Path, ci: str) -> None:
    """`make fuzz` is where chance has its place, on a laptop and in CI."""
    once = drawn(folder, "test_drawing.py", profile="fuzz", CI=ci)
    assert drawn(folder, "test_drawing.py", profile="fuzz", CI=ci) != once
