"""``dataflow env list``."""

from __future__ import annotations

import json

import click

from dataflow.cli.screen import show_table
from dataflow.shared.environments import chosen_environment, known_environments
from dataflow.shared.project import find_project
from dataflow.shared.project_file import PROJECT_FILE, read_project_file


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the project's environments, and which one is chosen."""
    path = find_project().root / PROJECT_FILE
    known = known_environments(read_project_file(path).content["tool"]["dataflow"], path)
    chosen = chosen_environment()
    if as_json:
        found = [
            {"name": name, "chosen": name == chosen, "settings": sorted(own)}
            for name, own in known.items()
        ]
        click.echo(json.dumps(found, indent=2))
        return
    rows = [("" if chosen else "*", "default", "the settings of [tool.dataflow]")]
    rows += [
        ("*" if name == chosen else "", name, ", ".join(sorted(own)) or "no settings")
        for name, own in known.items()
    ]
    if show_table(("", "environment", "settings"), rows):
        return
    click.echo(f"{'*' if not chosen else ' '} default  the settings of [tool.dataflow]")
    width = max((len(name) for name in known), default=0)
    for name, own in known.items():
        mark = "*" if name == chosen else " "
        click.echo(f"{mark} {name:<{max(width, 7)}}  {', '.join(sorted(own)) or 'no settings'}")
