"""The example plug-in, installed for real into a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed distribution; nothing is fetched for it."""
    target = tmp_path_factory.mktemp("plugin")
    options = [
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(target),
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        str(REPOSITORY / "examples/plugin"),
    ]
    subprocess.run(command, check=True, timeout=300)
    return target


@pytest.fixture(scope="session")
def plugin_python(plugin: Path) -> Callable[..., str]:
    """Run Python where the plug-in is installed, and return what it prints."""

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(plugin)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def python(plugin_python: Callable[..., str]) -> Callable[..., str]:
    """The same, for one test."""
    return plugin_python


@pytest.fixture
def with_plugin(python: Callable[..., str]) -> Callable[..., Any]:
    """Run code where the plug-in is installed; what it prints last is JSON, and returned."""
    return lambda code, folder: json.loads(python(folder, "-c", code).splitlines()[-1])
