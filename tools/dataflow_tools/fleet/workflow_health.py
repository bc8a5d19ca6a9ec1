"""Prove that an updated workflow is still whole: its config, its code and its tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.project_file import read_project_file
from dataflow_tools.fleet import library_pins
from dataflow_tools.fleet.library_install import install_command
from dataflow_tools.fleet.pytest_command import pytest_command

if TYPE_CHECKING:
    from dataflow.shared.project import Project

_CODE = """
import importlib, sys
from dataflow.shared.config import load_config
from dataflow.shared.project import find_project
from dataflow.workflows.registry import get_workflow
name = sys.argv[1]
project = find_project()
project.make_importable()
load_config(name)
get_workflow(name)
for path in sorted(project.workflow_dir(name).glob("*.py")):
    if path.stem != "__init__":
        importlib.import_module(f"dataflow.workflows.{name}.{path.stem}")
"""
# What pytest returns when it finds no test (https://docs.pytest.org/en/stable/reference/exit-codes.html).
_NO_TESTS = 5


def pytest_options(project: Project, scratch: Path) -> list[str]:
    """Where pytest finds the project's settings: of an open conflict, those from before it.

    Args:
        scratch: A folder for the file without the conflict.
    """
    options = [f"--rootdir={project.root}"]
    path = project.root / library_pins.FILE
    if path.is_file() and (found := read_project_file(path)).conflict is not None:
        (scratch / library_pins.FILE).write_text(found.text, encoding="utf-8")
        options += ["-c", str(scratch / library_pins.FILE)]
    return options


def check_workflow(project: Project, workflow_id: str) -> tuple[bool | None, list[str]]:
    """Check that the config is valid, the code imports and the workflow's own tests pass.

    Each runs in a process of its own, with this Python, in the project's folder.

    Returns:
        Whether all is well, and for what is not, the last words of the process. ``None`` if it
        cannot be said before the library is installed that the project asks for.
    """
    if (pinned := library_pins.runtime_version(project.root)) is not None:
        installed = version("dataflow-runtime")
        if Version(installed) < pinned:
            words = f"The project asks for dataflow-runtime {pinned}, and {installed} is installed."
            install = f"  Install it ({install_command(project.root)}), then: "
            return None, [f"Not checked. {words}", f"{install}dataflow workflow check --all"]
    try:
        pytest_command()
    except MissingDependencyError as error:
        return None, [f"Not checked. {error.reason}", f"  Install it: {error.instruction}"]
    with tempfile.TemporaryDirectory(prefix="dataflow-check-") as scratch:
        return _check(project, workflow_id, pytest_options(project, Path(scratch)))


def _check(project: Project, workflow_id: str, options: list[str]) -> tuple[bool, list[str]]:
    folder = project.workflow_dir(workflow_id)
    steps = {
        "config and imports": [sys.executable, "-c", _CODE, workflow_id],
        "tests": [*pytest_command(), "-q", "-x", "--no-header", *options, str(folder)],
    }
    environment = {**os.environ, "DATAFLOW_PROJECT": str(project.root)}
    for name, command in steps.items():
        done = subprocess.run(
            command, cwd=project.root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0 and not (name == "tests" and done.returncode == _NO_TESTS):
            lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            return False, [f"{name} failed:", *(f"  {line}" for line in lines[-8:])]
    return True, []
