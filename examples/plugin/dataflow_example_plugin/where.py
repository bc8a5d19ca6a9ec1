"""A command: ``dataflow workflow where NAME``."""

from __future__ import annotations

import click

from dataflow.shared.project import find_project
from dataflow.warehouse.kind import open_warehouse


@click.command()
@click.argument("name")
def where(name: str) -> None:
    """Say where the tables of the workflow NAME are."""
    click.echo(open_warehouse(find_project(), name).location)
