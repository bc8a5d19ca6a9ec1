"""``dataflow workflow backfill``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.progress import SecondsLine
from dataflow.shared.importing import importing
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from dataflow.shared.project import Project


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--from", "first", default="", metavar="KEY", help="The first partition to run.")
@click.option("--to", "last", default="", metavar="KEY", help="The last one.")
@click.option(
    "--partition", "only", multiple=True, metavar="KEY", help="This one; may be given often."
)
@click.option("--missing", is_flag=True, help="Only those that are not there yet, or not any more.")
@click.option(
    "--models-once", is_flag=True, help="Build models and dashboard once, after the last partition."
)
@click.option("--remote", is_flag=True, help="Run them on the running service: dataflow up.")
@click.option("--dry-run", is_flag=True, help="Only print which partitions would run.")
@click.option("--json", "as_json", is_flag=True, help="Print each run as a line of JSON.")
def backfill(
    name: str,
    first: str,
    last: str,
    only: tuple[str, ...],
    missing: bool,
    models_once: bool,
    remote: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run the workflow NAME for its partitions, one after the other.

    Which partitions there are is said by `workflow.partition` in config.yaml, or by the job's own
    `partitions_def`. A partition is replaced as a whole, so that it may be run again. One that
    fails leaves the others alone: the rest is run, and those that failed are named at the end,
    with the command that runs them again. So is what is left after Ctrl-C. How far an incremental
    source was read is not changed.

    --missing runs those that no run has succeeded for, and those that the tables have lost since:
    `dataflow workflow restore` brought back an earlier state. With --models-once the rows of each
    partition are seen in `raw` when it is loaded, and models, their tests and the dashboard follow
    once at the end. With --remote, Ctrl-C ends only the following; what a backfill under way there
    will make is not missing, and that backfill is followed.

    The exit code is 0 only if all succeeded.

    \b
    Examples:
      dataflow workflow backfill sales --from 2024-01-01 --to 2024-01-31
      dataflow workflow backfill sales --missing --models-once
    """  # noqa: D301 (click needs the character itself)
    if only and (first or last):
        raise click.UsageError("--partition names partitions: leave out --from and --to.")
    if remote and models_once:
        raise click.UsageError(
            "--models-once is for runs in this process: leave out --remote, whose runs are each "
            "a whole one."
        )
    from dataflow.runs.context import share_with_author
    from dataflow.shared.logging import configure_logging
    from dataflow.shared.output_redaction import guard_output

    if "DATAFLOW_LOG_LEVEL" not in os.environ:
        configure_logging("warning")
    guard_output()
    project = find_project()
    under_way: dict[str, str] = {}
    if remote and missing:
        from dataflow.cli.backfill_remote import partitions_under_way

        # Asked before the history: what ends in between is not missing.
        under_way = partitions_under_way(project, name)
    keys = _keys(project, name, first, last, only, missing=missing)
    others = list(dict.fromkeys(under_way[key] for key in keys if key in under_way))
    keys = [key for key in keys if key not in under_way]
    none = f"Left to backfill {', '.join(others)}." if others else "Nothing is missing."
    if dry_run:
        click.echo("\n".join(keys) if keys else none)
        return
    if not as_json and keys:
        where = " on the service" if remote else ""
        count = f"{len(keys):,} partition{'s' if len(keys) != 1 else ''}"
        click.echo(f"Running {click.style(name, bold=True)} for {count}{where} …")
    all_succeeded = True
    if remote and (keys or others):
        from dataflow.cli.backfill_remote import backfill_remote

        with SecondsLine() as line:
            all_succeeded = backfill_remote(
                project, name, keys, line, followed_too=others, as_json=as_json
            )
    elif keys:
        from dataflow.cli.backfill_here import BackfillHere

        with share_with_author(project, name), SecondsLine() as line:
            here = BackfillHere(
                project, name, line, missing=missing, models_once=models_once, as_json=as_json
            )
            all_succeeded = here.run(keys)
    if not all_succeeded:
        sys.exit(1)
    if not as_json:
        click.echo("Done." if keys or others else none)


def _keys(
    project: Project, name: str, first: str, last: str, only: tuple[str, ...], *, missing: bool
) -> list[str]:
    with importing():
        from dataflow.runs.backfill import chosen_partitions
        from dataflow.runs.run_request import PartitionRange

        asked = PartitionRange(first, last, only)
        return chosen_partitions(project, name, asked, missing=missing)
