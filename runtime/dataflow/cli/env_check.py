"""``dataflow env check``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

import click

from dataflow.cli.run_screen import RunScreen
from dataflow.shared.environments import ENVIRONMENT_VARIABLE, chosen_environment


@click.command()
@click.argument("name", default="")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(name: str, as_json: bool) -> None:
    """Try each part of the environment NAME: default DATAFLOW_ENV, else the one without a name.

    A table is made and dropped, a file written and deleted, a lock taken. Exit code 1 if any fails.
    """
    if name:
        os.environ[ENVIRONMENT_VARIABLE] = name
    from dataflow.service.environment_check import check_environment
    from dataflow.shared.project import find_project

    project = find_project()
    # A setting that is wrong, or an environment that there is not, is told before all else.
    _ = project.settings
    found = []
    with RunScreen() as line:
        if not as_json:
            line.begin("trying")
        for part in check_environment(project):
            found.append(part)
            if as_json:
                continue
            mark = click.style("✓", fg="green") if part.ok else click.style("✗", fg="red")
            line.say(f"  {mark} {part.part:<15} {part.said}")
            if part.instruction:
                line.say(f"    {'':<15} {part.instruction}")
            line.begin("trying")
    failed = [part.part for part in found if not part.ok]
    shown = chosen_environment() or "default"
    if as_json:
        parts = [asdict(part) for part in found]
        click.echo(json.dumps({"environment": shown, "ok": not failed, "parts": parts}, indent=2))
    elif failed:
        click.echo(f"The environment {shown} is not ready: {', '.join(failed)}.")
    else:
        click.echo(f"The environment {shown} is ready.")
    sys.exit(1 if failed else 0)
