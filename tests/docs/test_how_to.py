"""The how-tos, as far as that takes no server."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from tests.docs.reader import BLOCK, Reader

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
COMMAND = re.compile(r"dataflow (?!reload\b)[a-z][^`\n#]*")
CODE = re.compile(r"reference/errors/([a-z-]+)\.md")


@pytest.mark.slow
def test_incremental_reading_works_as_it_stands(tmp_path: Path) -> None:
    """Each file is saved, each command runs and prints what the page says."""
    reader = Reader(tmp_path)
    for language, title, content in BLOCK.findall((FOLDER / "incremental.md").read_text()):
        if language == "console":
            reader.type(content)
        elif title:
            reader.write(title, content)


def commands(page: str) -> list[str]:
    """The lines of consoles, and commands within the text, that call ours."""
    text = (FOLDER / page).read_text()
    consoles = "\n".join(body for language, _, body in BLOCK.findall(text) if language == "console")
    inline = [each for each in re.findall(r"`([^`\n]+)`", text) if each.startswith("dataflow ")]
    return [match[0].strip() for match in COMMAND.finditer("\n".join([consoles, *inline]))]


@pytest.mark.parametrize("page", sorted(path.name for path in FOLDER.glob("*.md")))
def test_every_command_is_one(page: str) -> None:
    """Its name, its options and how many arguments it takes are those of the program."""
    from dataflow.cli.main import dataflow

    found = commands(page)
    assert found or page == "README.md"
    for line in found:
        if line.endswith("explain CODE"):
            continue
        words = shlex.split(line)[1:]
        command: click.Command = dataflow
        while words and isinstance(command, click.Group):
            context = click.Context(command)
            known = command.get_command(context, words.pop(0))
            assert known is not None, line
            command = known
        if isinstance(command, click.Group):
            continue
        context = command.make_context("dataflow", words)
        assert context is not None, line


def test_every_error_named_is_one() -> None:
    """A failure leads to the page of its error."""
    from dataflow.cli.error_catalogue import ErrorCatalogue

    named = set(CODE.findall((FOLDER / "recovery.md").read_text()))
    assert len(named) > 12
    assert named <= set(ErrorCatalogue().entries)
