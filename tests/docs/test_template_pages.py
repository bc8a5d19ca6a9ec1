"""Commands on the pages for those who make templates are commands, with options that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from dataflow.cli.main import dataflow

DOCS = Path(__file__).parents[2] / "docs"
_COMMAND = re.compile(
    r"(?:^\$ |^|`)(dataflow (?:template (?!move)|campaign |init )[^`\n#;]*)", re.MULTILINE
)


@pytest.mark.parametrize("page", ["template.md", "campaign.md"])
def test_each_command_can_be_typed(page: str) -> None:
    """Group, command and every option exist."""
    found = _COMMAND.findall((DOCS / page).read_text(encoding="utf-8"))
    assert len(found) > 5
    for line in found:
        words = shlex.split(line.strip())[1:]
        command: click.Command | None = dataflow
        with click.Context(dataflow, info_name="dataflow") as context:
            while isinstance(command, click.Group) and words:
                command = command.get_command(context, words.pop(0))
        assert command is not None, line
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= known, line
