"""``dataflow template``: what those who make templates need."""

from __future__ import annotations

import click

from dataflow.cli.commands import commands_of
from dataflow.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, lazy_commands=commands_of("template"))
def template() -> None:
    """Move a project to its template's new address; check and release a template of your own."""
