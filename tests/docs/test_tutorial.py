"""The tutorial, followed to the letter."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import BIN

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
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


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader in an empty folder, with an empty home."""
    person = Reader(tmp_path)
    yield person
    for process in person.started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_the_tutorial_works_as_it_stands(reader: Reader) -> None:
    """Each file is saved, each command runs and prints what the page says, to the last one."""
    if is_taken(8765) or is_taken(9000):
        pytest.skip("The tutorial's ports are taken on this machine.")
    kinds: dict[str, Any] = {}
    for language, title, content in BLOCK.findall(PAGE.read_text()):
        kinds[language] = kinds.get(language, 0) + 1
        if language != "console":
            reader.write(title, content)
        elif title == ELSEWHERE:
            reader.start(content)
        else:
            reader.type(content)
    assert kinds["console"] > 8
    with urllib.request.urlopen("http://127.0.0.1:9000/orders") as page:
        assert page.status == 200
    published = reader.folder / ".dataflow" / "site" / "public" / "data" / "orders" / "by_country"
    assert list(published.glob("*/by_country.parquet"))
