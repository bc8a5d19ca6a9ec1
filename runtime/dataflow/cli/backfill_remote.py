"""``dataflow workflow backfill --remote``: on the running service instead of in this process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from dataflow.cli.backfill_lines import TimeLeft, again_command, partition_json, partition_line
from dataflow.cli.service_client import followed, service_client
from dataflow.runs.run_request import PartitionRange

if TYPE_CHECKING:
    from dataflow.cli.progress import SecondsLine
    from dataflow.service.backfills import Backfill
    from dataflow.service.dagster_client import Dagster
    from dataflow.shared.project import Project

_SECONDS_BETWEEN_LOOKS = 1.0
_OVER = ("succeeded", "failed", "canceled")


def backfill_remote(
    project: Project, name: str, keys: list[str], line: SecondsLine, *, as_json: bool
) -> bool:
    """Run a workflow for some partitions on the service, and follow it; true if all succeeded.

    Raises:
        StillRunningError: Ctrl-C; the service goes on.
        DagsterUnavailableError: No service answers.
    """
    with service_client(project) as dagster:
        # Not before it is known that what it needs is installed.
        from dataflow.service.launch_once import launch_backfill

        begun = launch_backfill(dagster, name, PartitionRange(only=keys))
        what, path = f"The backfill {begun.backfill_id}", f"/runs/b/{begun.backfill_id}"
        with followed(what, project, dagster, path) as where:
            if not as_json:
                already = "" if begun.is_new else ", under way already"
                line.say(f"  Backfill {begun.backfill_id}{already}: {where}")
            ended = _follow(dagster, begun.backfill_id, line, as_json=as_json)
    failed = [run.partition for run in ended.runs if run.status != "succeeded"]
    if ended.error:
        click.echo(ended.error, err=True)
    if failed:
        more = " …" if len(failed) > 10 else ""
        click.echo(f"Not done: {', '.join(failed[:10])}{more}", err=True)
        click.echo(f"Run them again: {again_command(name, failed, '--remote')}", err=True)
    return not failed and ended.status == "succeeded"


def _follow(dagster: Dagster, backfill_id: str, line: SecondsLine, *, as_json: bool) -> Backfill:
    """Tell of each run once it is over, until all are."""
    told: set[str] = set()
    left: TimeLeft | None = None
    while True:
        backfill = dagster.backfill(backfill_id)
        left = left or TimeLeft(len(backfill.runs))
        for each in backfill.runs:
            if each.run_id is None or each.status not in _OVER or each.run_id in told:
                continue
            told.add(each.run_id)
            run = dagster.run(each.run_id)
            said = partition_line(each.partition, run, f"({len(told)}/{len(backfill.runs)})")
            line.say(partition_json(each.partition, run) if as_json else said)
        if backfill.status != "running":
            return backfill
        under_way = [each.partition for each in backfill.runs if each.status == "running"]
        of_all = f"({len(told)}/{len(backfill.runs)}{left.after(len(told))})"
        line.count(f"  … {', '.join(under_way[:3]) or 'waiting'}  {of_all}")
        time.sleep(_SECONDS_BETWEEN_LOOKS)
