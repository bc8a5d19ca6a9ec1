"""``dataflow campaign``: a template version for many repositories."""

from __future__ import annotations

import click

from dataflow.cli.commands import commands_of
from dataflow.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, lazy_commands=commands_of("campaign"))
def campaign() -> None:
    """Carry a template version through many repositories, a few of them first.

    A campaign is a folder: its plan, what became of each repository, and clones of its own to work
    in. Nobody's working tree is touched, and each command can be stopped and run again.

    \b
    Examples:
      dataflow campaign plan repositories.txt
      dataflow campaign run --ring 1
      dataflow campaign run
      dataflow campaign report --page report.html
    """  # noqa: D301 (click needs the character itself)
