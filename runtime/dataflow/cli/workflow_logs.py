"""``dataflow workflow logs``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from dataflow.service.log_search import FoundLine, LogQuery
    from dataflow.shared.project import Project

_LEVELS = ("debug", "info", "warning", "error", "critical")


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("-q", "--search", "text", default="", help="Only lines that hold this text.")
@click.option("--level", type=click.Choice(_LEVELS), default="info", show_default=True)
@click.option("--days", type=click.FloatRange(min=0), help="Only of runs of so many last days.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def logs(name: str, text: str, level: str, days: float | None, limit: int, as_json: bool) -> None:
    """Look through the logs of the runs of the workflow NAME, the newest run first.

    They are those of the running service, or where there is none those of this folder.

    \b
    Examples:
      dataflow workflow logs sales --level warning --days 7
      dataflow workflow logs sales -q 'rows put aside'
    """  # noqa: D301 - click needs the character itself
    from datetime import UTC, datetime

    from dataflow.service.log_search import LogQuery
    from dataflow.workflows.registry import check_known

    project = find_project()
    check_known(name, project)
    since = datetime.now(UTC) - timedelta(days=days) if days is not None else None
    found = _search(project, name, LogQuery(text, level, since), limit)
    run_id = ""
    for line in found:
        if as_json:
            click.echo(json.dumps(asdict(line), default=str))
            continue
        if line.run_id != run_id:
            run_id = line.run_id
            click.echo(f"run {run_id}")
        step = f" {line.step}:" if line.step else ""
        click.echo(
            f"  {line.time.astimezone():%Y-%m-%d %H:%M:%S} {line.level:<8}{step} {line.message}"
        )
    if not found and not as_json:
        click.echo("No such line.", err=True)


def _search(project: Project, name: str, query: LogQuery, limit: int) -> list[FoundLine]:
    from dataflow.runs.instance import open_instance
    from dataflow.service.history_logs import HistoryLogs
    from dataflow.service.log_search import all_lines

    try:
        from dataflow.service.dagster_errors import DagsterUnavailableError
        from dataflow.service.dagster_runs import DagsterRuns

        dagster = DagsterRuns(project)
        try:
            return all_lines(dagster, name, query, limit)
        except DagsterUnavailableError:
            pass
        finally:
            dagster.close()
    except ModuleNotFoundError:
        # Without httpx no service can be asked.
        pass
    with open_instance(project) as instance:
        return all_lines(HistoryLogs(instance), name, query, limit)
