"""The options by which a command takes answers to the template's questions."""

from __future__ import annotations

import sys
from typing import Any

import click
import yaml

from dataflow.shared.errors import BadInputError
from dataflow_tools.scaffold.given_answers import refuse_settled

data_option = click.option(
    "-d",
    "--data",
    "data",
    multiple=True,
    metavar="KEY=VALUE",
    help="Answer one of the template's questions; may be given several times.",
)
defaults_option = click.option(
    "--defaults", is_flag=True, help="Ask nothing: take the default of every other question."
)


def asks(*, defaults: bool) -> bool:
    """Whether to ask on the terminal: somebody has to be there, and want to be asked."""
    return not defaults and sys.stdin.isatty() and sys.stdout.isatty()


def parse_answers(data: tuple[str, ...], command: str, name: str = "OLD") -> dict[str, Any]:
    """Read ``KEY=VALUE`` pairs; a value that starts with ``[`` or ``{`` is read as YAML.

    Args:
        command: The command that they are given to.
        name: The workflow that they are for, if it is one.

    Raises:
        BadInputError: A pair has no ``=``, its value is not valid YAML, or the command decides it.
    """
    answers: dict[str, Any] = {}
    for pair in data:
        key, found, value = pair.partition("=")
        if not found or not key.strip():
            raise BadInputError(f"--data {pair!r} is not KEY=VALUE.", "Write --data title=Trips.")
        try:
            answers[key.strip()] = yaml.safe_load(value) if value[:1] in ("[", "{") else value
        except yaml.YAMLError as error:
            raise BadInputError(
                f"--data {key}: {value!r} is not valid YAML.", 'Write a list as ["a", "b"].'
            ) from error
    refuse_settled(answers, command, name)
    return answers
