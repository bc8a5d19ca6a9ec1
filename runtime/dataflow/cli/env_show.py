"""``dataflow env show``."""

from __future__ import annotations

import json
import os

import click

from dataflow.shared.environments import ENVIRONMENT_VARIABLE, chosen_environment


@click.command()
@click.argument("name", default="")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """Show the settings of the environment NAME as they are written, and where each stands.

    Of values that they refer to it is told where they come from, not what they are.
    """
    if name:
        os.environ[ENVIRONMENT_VARIABLE] = name
    from dataflow.shared.project import find_project
    from dataflow.shared.redaction import redact_event
    from dataflow.shared.settings import Settings, written_settings

    project = find_project()
    settings = project.settings
    _, origin = written_settings(project.root)
    values = settings.model_dump(mode="json")
    default = Settings().model_dump(mode="json")
    rows = {
        key: {**redact_event({"value": values[key]}), "from": origin.get(key, "default")}
        for key in values
        if key in origin or values[key] != default[key]
    }
    sources = {each: project.values.origin(each) or "not set" for each in settings.variables}
    shown = chosen_environment() or "default"
    if as_json:
        click.echo(json.dumps({"environment": shown, "settings": rows, "variables": sources}))
        return
    click.echo(f"Environment {shown}")
    for key, row in rows.items():
        click.echo(f"  {key} = {json.dumps(row['value'])}\n      {row['from']}")
    for each, source in sources.items():
        click.echo(f"  ${{{each}}}: {source}")
    if not rows:
        click.echo("  All settings are the defaults.")
