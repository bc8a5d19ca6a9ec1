"""``dataflow workflow rename``."""

from __future__ import annotations

from functools import partial

import click

from dataflow.cli.completion import workflow_names
from dataflow_tools.cli.lifecycle_options import carry_out, plan_options


@click.command()
@click.argument("old", shell_complete=workflow_names)
@click.argument("new")
@plan_options
def rename(old: str, new: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Give the workflow OLD the id NEW, with all that it has made.

    Its folder, tables, watermarks, kept states, run history and published data go along, and each
    line that names it is changed: its own code, what other workflows say in `after`, dbt sources,
    queries of pages, links. First the plan is shown, and what stays as it is; then all of it is
    done, or nothing. What a process that is killed half-way had begun, the next such command
    finishes.

    It also puts a folder right that was renamed by hand.

    \b
    Examples:
      dataflow workflow rename orders sales --dry-run    every line that would change
      dataflow workflow rename orders sales
      dataflow workflow rename sales orders              takes it back

    The variables that config.yaml names keep their names. Files with uncommitted changes are not
    rewritten: commit them first.
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.lifecycle.rename import plan_rename

    carry_out(
        "rename",
        partial(plan_rename, old=old, new=new),
        (old, new),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
