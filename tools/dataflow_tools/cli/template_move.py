"""``dataflow template move``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from dataflow.shared.project import find_project


@click.command()
@click.argument("url")
@click.option("--from", "former", metavar="URL", help="The address to leave; else the project's.")
@click.option("--plan", is_flag=True, help="Check everything and say what changes; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def move(url: str, former: str | None, plan: bool, as_json: bool) -> None:
    """Have the project and its workflows follow their template to the address URL.

    The address changes in all answers files, in pyproject.toml and in uv.lock: in all of them or
    in none. Before that it is checked that the new address has the versions in use, and that they
    are what they were. The changes are left for you to commit.

    \b
    Examples:
      dataflow template move https://git.example.org/data/template.git --plan
      dataflow template move git@git.example.org:data/template.git
    """  # noqa: D301 (click needs the character itself)
    # What follows is slow to import.
    from dataflow_tools.fleet.template_move import move_template
    from dataflow_tools.scaffold.git import hide_credentials

    done = move_template(find_project(), url, former=former, plan_only=plan)
    if as_json:
        click.echo(json.dumps({"planned_only": plan, **asdict(done)}, indent=2))
        return
    for note in done.notes:
        click.echo(note)
    if not done.files:
        click.echo(f"All is at {hide_credentials(done.source)} already.")
        return
    number = f"{len(done.files)} file{'' if len(done.files) == 1 else 's'}"
    step = f"{hide_credentials(done.former)} -> {hide_credentials(done.source)}"
    click.echo(f"{number}, {', '.join(done.versions)}: {step}")
    click.echo("Next:")
    if plan:
        click.echo("  Run it without --plan to do this.")
    else:
        click.echo('  Look at it and commit: git diff; git commit -am "Follow the template"')
