"""Every command that a page shows is one that can be typed."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from tests.conftest import REPOSITORY

from dataflow.cli.main import dataflow

FENCE = re.compile(r"^( *)```(?:console|bash|sh)\b[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
# As it is typed: after a prompt, or after variables for this one command.
TYPED = re.compile(r"^ *(?:\$ )?(?:[A-Z_]+=\S+ )*dataflow (.*)$", re.MULTILINE)
INLINE = re.compile(r"`dataflow ([^`]+)`")
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"))
    if "reference" not in path.parts
)


def commands(page: str) -> list[str]:
    """What comes after `dataflow` in the consoles and in the text of a page."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    consoles = "\n".join(body for _, body in FENCE.findall(text)).replace("\\\n", " ")
    found = TYPED.findall(consoles) + [" ".join(one.split()) for one in INLINE.findall(text)]
    return [line for line in found if not re.search(r"[a-z]\|[a-z]|\.\.\.", line)]


def parsed(line: str) -> click.Command | None:
    """The command of a line, with all that is typed after it understood; None if there is none."""
    words = shlex.split(line, comments=True)
    command: click.Command | None = dataflow
    while words and words[0].startswith("-"):
        # Options of all commands, with what they take.
        words = words[2 if words[0] == "--env" else 1 :]
    while words and isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    if command is not None and not isinstance(command, click.Group) and words:
        command.make_context("dataflow", words)
    return command


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name, its options and how many arguments it takes are those of the program."""
    # What `--env` sets is for this command.
    monkeypatch.setenv("DATAFLOW_ENV", "")
    for line in commands(page):
        try:
            command = parsed(line)
        except click.ClickException as error:
            if "does not exist" in error.format_message():
                # A folder of the reader's.
                continue
            pytest.fail(f"{page}: dataflow {line}\n{error.format_message()}")
        assert command is not None, f"{page}: dataflow {line}"
