"""``dataflow workflow schedule``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dataflow.cli.completion import workflow_names
from dataflow.shared.project import Project, find_project

if TYPE_CHECKING:
    from dataflow.service.schedules import WorkflowSchedule


@click.command()
@click.argument("name", required=False, shell_complete=workflow_names)
@click.argument("state", required=False, type=click.Choice(["on", "off"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def schedule(name: str | None, state: str | None, as_json: bool) -> None:
    """List the schedules, or switch that of the workflow NAME on or off.

    `workflow.schedule` of config.yaml says when; that it fires, somebody has to say once, here or
    in Dagster's UI. Then it fires as long as `dataflow up` runs, also after the next start. With
    `schedule_on: true` in config.yaml it is on from the start. Switching asks the running service.

    \b
    Examples:
      dataflow workflow schedule
      dataflow workflow schedule daily_sales on
    """  # noqa: D301 (click needs the character itself)
    from dataflow.shared.errors import MissingDependencyError

    try:
        from dataflow.service.schedules import no_schedule, switch_schedule
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Asking the service needs {error.name}, which is not installed.",
            "Install it: pip install 'dataflow-runtime[api]'",
        ) from error
    project = find_project()
    if name is not None and state is not None:
        found = [switch_schedule(project, name, on=state == "on")]
    else:
        listed = _listed(project)
        found = [each for each in listed if name in (None, each.workflow_id)]
        if name is not None and not found:
            raise no_schedule(project, name, [each.workflow_id for each in listed])
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in found], indent=2))
        return
    if not found:
        click.echo("No workflow has a schedule: `schedule` below `workflow` of config.yaml.")
    for line in _lines(found):
        click.echo(line)
    if found and not any(each.state_id for each in found):
        click.echo("No service runs, so none of them fires: dataflow up")


def _listed(project: Project) -> list[WorkflowSchedule]:
    from dataflow.service.dagster_errors import DagsterUnavailableError
    from dataflow.service.schedules import running_schedules, written_schedules

    try:
        return running_schedules(project)
    except DagsterUnavailableError:
        return written_schedules(project)


def _as_json(found: WorkflowSchedule) -> dict[str, Any]:
    return {
        "workflow_id": found.workflow_id,
        "cron": found.cron,
        "timezone": found.timezone,
        "is_on": found.is_on,
        "next_at": found.next_at.isoformat() if found.next_at and found.is_on else None,
    }


def _lines(found: list[WorkflowSchedule]) -> list[str]:
    rows = []
    for each in found:
        when = ""
        if each.is_on and each.next_at is not None:
            when = f"next {each.next_at:%Y-%m-%d %H:%M}"
        rows.append(
            (each.workflow_id, each.cron, each.timezone, "on" if each.is_on else "off", when)
        )
    widths = [max(len(row[place]) for row in rows) for place in range(5)] if rows else []
    return ["  ".join(f"{c:<{w}}" for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
