"""Somebody who does what a page of the documentation says, to the letter."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from tests.conftest import BIN

BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# What stands for the rest of a line, or for lines.
REST = re.escape("...")
ELSEWHERE = "in another terminal"
PERSON = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org"}
PERSON |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in PERSON.items()}


def untimed(text: str) -> str:
    """A text without seconds, which differ from one time to the next."""
    return re.sub(r" +\d+\.\d s", " 0.0 s", text)


class Reader:
    """Somebody who types what the page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {
            **os.environ,
            **PERSON,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def write(self, name: str, text: str) -> None:
        """Save what a block shows; settings go below their table."""
        path = self.folder / name
        if path.name == "pyproject.toml":
            head = "[tool.dataflow]\n"
            text = path.read_text().replace(head, head + text, 1)
        path.write_text(text)

    def type(self, block: str) -> None:
        """Run each command, and compare what it prints with the lines below it."""
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, told = part.partition("\n")
            if command.startswith("cd "):
                self.folder /= command.removeprefix("cd ")
                continue
            done = subprocess.run(
                command, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True,
                check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            lines = (re.escape(line) for line in untimed(told).splitlines())
            pattern = "\n".join(r"(?:.*\n)*?.*" if line == REST else line for line in lines)
            pattern = pattern.replace(REST, ".*")
            said = untimed(done.stdout.rstrip("\n"))
            assert re.fullmatch(pattern, said), f"{command}\n{said}\n--- the page says\n{told}"

    def start(self, block: str) -> None:
        """Start what runs in another terminal, until it answers."""
        command = block.removeprefix("$ ").strip()
        self.started.append(
            subprocess.Popen(
                f"exec {command}", shell=True, cwd=self.folder, env=self.env, start_new_session=True
            )
        )
        port = 9000 if "evidence" in command else 8765
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            assert self.started[-1].poll() is None, command
        raise AssertionError(f"{command} does not listen on {port}")
