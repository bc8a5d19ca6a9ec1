"""``dataflow workflow backfill --remote``: on the running service instead of in this process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from dataflow.cli.backfill_lines import TimeLeft, again_command, partition_json, partition_line
from dataflow.cli.service_client import followed, service_client
from dataflow.runs.run_request import PartitionRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.cli.progress import SecondsLine
    from dataflow.service.backfills import Backfill
    from dataflow.service.dagster_client import Dagster
    from dataflow.shared.project import Project

_SECONDS_BETWEEN_LOOKS = 1.0
_OVER = ("succeeded", "failed", "canceled")


def partitions_under_way(project: Project, name: str) -> dict[str, str]:
    """The partitions that the service is about to make, and the backfill that does.

    Raises:
        DagsterUnavailableError: No service answers.
    """
    with service_client(project) as dagster:
        return dagster.partitions_under_way(name)


def backfill_remote(
    project: Project,
    name: str,
    keys: list[str],
    line: SecondsLine,
    *,
    followed_too: Sequence[str] = (),
    as_json: bool,
) -> bool:
    """Run a workflow for some partitions on the service, and follow it; true if all succeeded.

    Args:
        keys: They begin now; may be none.
        followed_too: Backfills that are under way, and make others that were asked for.

    Raises:
        StillRunningError: Ctrl-C; the service goes on.
        DagsterUnavailableError: No service answers.
    """
    with service_client(project) as dagster:
        # Not before it is known that what it needs is installed.
        from dataflow.service.launch_once import launch_backfill

        chosen = [(backfill_id, ", under way already") for backfill_id in followed_too]
        if keys:
            begun = launch_backfill(dagster, name, PartitionRange(only=keys))
            chosen.append((begun.backfill_id, "" if begun.is_new else ", under way already"))
        ended = []
        for backfill_id, already in chosen:
            what, path = f"The backfill {backfill_id}", f"/runs/b/{backfill_id}"
            with followed(what, project, dagster, path) as where:
                if not as_json:
                    line.say(f"  Backfill {backfill_id}{already}: {where}")
                ended.append(_follow(dagster, backfill_id, line, as_json=as_json))
    runs = [run for backfill in ended for run in backfill.runs]
    failed = [run.partition for run in runs if run.status != "succeeded"]
    for backfill in ended:
        if backfill.error:
            click.echo(backfill.error, err=True)
    if failed:
        more = " …" if len(failed) > 10 else ""
        click.echo(f"Not done: {', '.join(failed[:10])}{more}", err=True)
        click.echo(f"Run them again: {again_command(name, failed, '--remote')}", err=True)
    return not failed and all(backfill.status == "succeeded" for backfill in ended)


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
