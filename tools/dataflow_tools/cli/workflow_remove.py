"""``dataflow workflow remove``."""

from __future__ import annotations

from functools import partial

import click

from dataflow.cli.completion import workflow_names
from dataflow_tools.cli.lifecycle_options import carry_out, plan_options


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--purge", is_flag=True, help="Delete its tables too, and keep its folder nowhere.")
@plan_options
def remove(name: str, purge: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take the workflow NAME out of the project, and say how to get it back.

    Its folder is put aside below .dataflow/removed, its dashboard is taken off. Its tables,
    watermarks and run history are kept: when the folder is back, it goes on where it was. The plan
    names the commands for that. A workflow that others read is not removed; the lines are named.

    \b
    Examples:
      dataflow workflow remove orders --dry-run
      dataflow workflow remove orders
      dataflow workflow remove orders --purge    the tables too; git has to have the folder
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.lifecycle.removal import plan_removal

    carry_out(
        "remove",
        partial(plan_removal, name=name, purge=purge),
        (name,),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
