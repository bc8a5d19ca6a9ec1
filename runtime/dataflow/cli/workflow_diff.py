"""``dataflow workflow diff``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.shared.importing import importing
from dataflow.shared.project import find_project
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from dataflow.runs.earlier_states import Difference
    from dataflow.warehouse.difference import TableDifference


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--run", "run_id", metavar="ID", default="", help="What this run changed.")
@click.option("--all-columns", is_flag=True, help="Also compare `processed_at`, new in each run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(name: str, run_id: str, all_columns: bool, as_json: bool) -> None:
    """Show what the last run of the workflow NAME changed in its tables.

    Its tables and models are compared with those that the run before had left: columns, and rows
    that were added, are gone or have changed. Rows are told apart by `load.primary_key` and the
    columns that dbt tests to be unique; without such a key by all of their values, so that a
    changed row counts as one gone and one added.

    \b
    dataflow workflow diff sales                what the last run changed
    dataflow workflow diff sales --run 3f2a     what that run changed
    dataflow workflow restore sales --list      which runs' tables are kept

    The exit code is 0 whether or not there are changes, and 2 if no earlier state is kept.
    """  # noqa: D301 (click needs the character itself)
    project = find_project()
    with importing():
        from dataflow.runs.earlier_states import find_difference
    found = find_difference(project, name, run_id, all_columns=all_columns)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2, default=str))
    else:
        _print(name, found)


def _print(name: str, found: Difference) -> None:
    before, after = found.before, found.after
    what = f"run {after.run_id}" if after.run_id else "a program that is no run of it"
    if before.replaced_by.startswith("restore-"):
        what = f"restoring run {after.run_id}"
    click.echo(f"{click.style(name, bold=True)}: what {what} changed")
    click.echo(f"  before  {before.made_at[:19]}  run {before.run_id}")
    click.echo(f"  after   {after.made_at[:19]}  run {after.run_id or '-'}")
    changed = [table for table in found.tables if table.status != "same"]
    same = [table.table for table in found.tables if table.status == "same"]
    for table in changed:
        click.echo("")
        _print_table(table)
    if same:
        click.echo(f"\nThe same: {', '.join(map(shortened, same))}")
    skipped = sorted({column for table in found.tables for column in table.not_compared})
    if skipped:
        click.echo(f"Not compared: {', '.join(skipped)} (--all-columns compares it)")


def _print_table(table: TableDifference) -> None:
    name = click.style(shortened(table.table), bold=True)
    if table.status in ("new", "gone"):
        rows = table.rows_after if table.status == "new" else table.rows_before
        click.echo(f"{name}  {table.status}{'' if rows is None else f', {rows:,} rows'}")
        return
    if table.rows_after is None:
        click.echo(f"{name}  view{', which asks something else' if table.query_changed else ''}")
    else:
        click.echo(f"{name}  {table.rows_before:,} -> {table.rows_after:,} rows")
    for mark, columns in (
        ("+", table.columns_added),
        ("-", table.columns_gone),
        ("~", table.columns_retyped),
    ):
        for column in columns:
            click.echo(f"  {mark} column {shortened(column)}")
    if table.added is None:
        return
    by = f"by {', '.join(map(shortened, table.key))}" if table.key else "by all values: no key"
    counts = {"added": table.added, "gone": table.gone, "changed": table.changed}
    told = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n is not None)
    click.echo(f"  rows {told} ({by})")
    for what, keys in table.keys.items():
        count = counts[what] or 0
        more = ", …" if count > len(keys) else ""
        click.echo(f"    {what:<8}{', '.join(map(shortened, keys))}{more}")
    if table.changed_by_column:
        differ = (f"{shortened(c)} ({n:,})" for c, n in table.changed_by_column.items())
        click.echo(f"    differ  {', '.join(differ)}")
