"""``dataflow workflow copy``."""

from __future__ import annotations

from functools import partial

import click

from dataflow.cli.completion import workflow_names
from dataflow_tools.cli.lifecycle_options import carry_out, plan_options


@click.command()
@click.argument("old", shell_complete=workflow_names)
@click.argument("new")
@plan_options
def copy(old: str, new: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make the workflow NEW, which begins as OLD is, with tables of its own.

    What git has or would take of the folder is copied, and each line in it that names OLD names
    NEW. It runs at once and writes no table of OLD; watermarks and history are not copied, so its
    first run reads the source from its beginning. First the plan is shown.

    It also makes a workflow of a folder that was copied by hand.

    \b
    Examples:
      dataflow workflow copy orders orders_test
      dataflow workflow copy orders orders_test --dry-run    every line that would differ

    Both have the same schedule, the same source and the same variables until you change them.
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.lifecycle.copying import plan_copy

    carry_out(
        "copy",
        partial(plan_copy, old=old, new=new),
        (old, new),
        # A run of OLD writes none of the files that are copied.
        held_names=(new,),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
