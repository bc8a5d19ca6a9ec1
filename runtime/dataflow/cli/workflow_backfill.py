"""``dataflow workflow backfill``."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from dataflow.cli.progress import SecondsLine
from dataflow.shared.importing import importing
from dataflow.shared.project import find_project

if TYPE_CHECKING:
    from dataflow.runs.model import Run


@click.command()
@click.argument("name")
@click.option("--from", "first", default="", metavar="KEY", help="The first partition to run.")
@click.option("--to", "last", default="", metavar="KEY", help="The last one.")
@click.option("--missing", is_flag=True, help="Only those that no run has succeeded for.")
@click.option("--dry-run", is_flag=True, help="Only print which partitions would run.")
@click.option("--json", "as_json", is_flag=True, help="Print each run as a line of JSON.")
def backfill(name: str, first: str, last: str, missing: bool, dry_run: bool, as_json: bool) -> None:
    """Run the workflow NAME for its partitions, one after the other.

    Which partitions there are is said by `workflow.partition` in config.yaml, or by the job's own
    `partitions_def`. A partition is replaced as a whole, so that it may be run again. One that
    fails leaves the others alone: the rest is run, those that failed are named at the end, and
    --missing runs them again, as it does after Ctrl-C. How far an incremental source was read is
    not changed.

    The exit code is 0 only if all succeeded.

    \b
    Examples:
      dataflow workflow backfill sales --from 2024-01-01 --to 2024-01-31
      dataflow workflow backfill sales --missing
    """  # noqa: D301 (click needs the character itself)
    from dataflow.runs.context import share_with_author
    from dataflow.shared.logging import configure_logging
    from dataflow.shared.output_redaction import guard_output

    if "DATAFLOW_LOG_LEVEL" not in os.environ:
        configure_logging("warning")
    guard_output()
    project = find_project()
    with importing():
        from dataflow.runs.backfill import chosen_partitions
        from dataflow.runs.run import run_workflow
        from dataflow.runs.run_request import PartitionRange, RunRequest

        keys = chosen_partitions(project, name, PartitionRange(first, last), missing=missing)
    if dry_run:
        click.echo("\n".join(keys) if keys else "Nothing is missing.")
        return
    if not as_json:
        count = f"{len(keys):,} partition{'s' if len(keys) != 1 else ''}"
        click.echo(f"Running {click.style(name, bold=True)} for {count} …")
    failed = []
    with share_with_author(project, name), SecondsLine() as line:
        for number, key in enumerate(keys, start=1):
            line.count(f"  … {key}  ({number}/{len(keys)})")
            ended = run_workflow(project, name, request=RunRequest(partition=key))
            if as_json:
                line.say(json.dumps({"partition": key, **_told(ended)}))
            else:
                line.say(_line(key, ended, f"({number}/{len(keys)})"))
            if ended.stopped:
                raise click.Abort
            if not ended.success:
                failed.append(key)
    if failed:
        click.echo(f"Failed: {', '.join(failed[:10])}{' …' if len(failed) > 10 else ''}", err=True)
        click.echo(f"Run them again: dataflow workflow backfill {name} --missing", err=True)
        sys.exit(1)
    if not as_json:
        click.echo("Done." if keys else "Nothing is missing.")


def _told(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "success": run.success,
        "rows": run.rows,
        "seconds": run.seconds or 0.0,
        "error": run.whole_error,
    }


def _line(key: str, run: Run, progress: str) -> str:
    if run.success:
        rows = "" if run.rows is None else f"  {run.rows:,} rows"
        return (
            f"  {click.style('✓', fg='green')} {key}  {run.seconds or 0:6.1f} s{rows}  {progress}"
        )
    faults = [f"{step.name}: {step.error}" for step in run.steps if step.error]
    reason = (faults or [run.error or "It was stopped."])[0].splitlines()[0]
    return f"  {click.style('✗', fg='red')} {key}  {reason}  {progress}"
