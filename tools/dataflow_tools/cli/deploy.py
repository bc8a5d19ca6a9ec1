"""``dataflow deploy``: what a cluster is told to run."""

from __future__ import annotations

import click

from dataflow.cli.commands import commands_of
from dataflow.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, lazy_commands=commands_of("deploy"))
def deploy() -> None:
    """Render what a cluster is told to run. Nothing is sent anywhere.

    \b
    Examples:
      dataflow deploy kubernetes --env prod
    """  # noqa: D301 (click needs the character itself)
