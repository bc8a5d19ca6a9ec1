"""``dataflow workflow restore``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.screen import show_table
from dataflow.shared.importing import importing
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from dataflow.warehouse.kind import KeptState


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--run", "run_id", metavar="ID", default="", help="The run whose tables to restore.")
@click.option("--list", "is_list", is_flag=True, help="List the kept states; the default.")
@click.option("--no-dashboards", is_flag=True, help="Leave the dashboards as they are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def restore(name: str, run_id: str, is_list: bool, no_dashboards: bool, as_json: bool) -> None:
    """Bring back what an earlier run of the workflow NAME had left.

    Tables, models and the watermark become those of that run, and the dashboards are published
    from them, all at once. The tables that are there now are kept, so that they can be restored
    in turn. An incremental source is read from that run's watermark on at the next run.

    \b
    dataflow workflow restore sales                 which states are kept
    dataflow workflow restore sales --run 3f2a      bring one back; the beginning of an id will do
    dataflow workflow diff sales                    what that changed

    A state is kept when a run replaces it; the settings kept_states and kept_states_gb in
    [tool.dataflow] say how many, and DATAFLOW_KEPT_STATES=0 keeps none.
    """  # noqa: D301 (click needs the character itself)
    project = find_project()
    with importing():
        from dataflow.runs.earlier_states import list_states, restore_state
    if is_list or not run_id:
        states = list_states(project, name)
        if as_json:
            click.echo(json.dumps([asdict(state) for state in states], indent=2))
        else:
            _print(name, states)
        return
    state = restore_state(
        project,
        name,
        run_id,
        on_wait=lambda holder: click.echo(f"  waiting for {holder} …", err=True),
        with_dashboards=not no_dashboards,
    )
    if as_json:
        click.echo(json.dumps(asdict(state), indent=2))
        return
    click.echo(f"{click.style(name, bold=True)} is again as run {state.run_id} had left it.")
    click.echo(f"  What changed      dataflow workflow diff {name}")
    click.echo(f"  Which are kept    dataflow workflow restore {name} --list")


def _print(name: str, states: list[KeptState]) -> None:
    rows = [
        (
            "kept" if state.replaced_by else "now",
            state.made_at[:19],
            f"{state.bytes / 1e6:,.1f} MB",
            state.run_id or "-",
        )
        for state in states
    ]
    if not show_table(("", "made (UTC)", ">size", "run"), rows):
        click.echo(f"{'':<9}{'made (UTC)':<21}{'size':>10}  run")
        for label, made, size, run in rows:
            click.echo(f"{label:<9}{made:<21}{size:>10}  {run}")
    if states[-1].replaced_by:
        click.echo(f"Bring one back: dataflow workflow restore {name} --run ID")
    else:
        click.echo("No earlier state is kept yet: the next run that succeeds keeps this one.")
