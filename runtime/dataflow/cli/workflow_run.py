"""``dataflow workflow run``."""

from __future__ import annotations

import functools
import json
import os
import sys
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.run_screen import RunScreen
from dataflow.shared.importing import collect_seldom, importing
from dataflow.shared.project import Project, find_project
from dataflow.workflows.registry import get_workflow

if TYPE_CHECKING:
    from dataflow.runs.model import Run, Step

_MARKS = {"succeeded": click.style("✓", fg="green"), "failed": click.style("✗", fg="red")}


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON at the end.")
@click.option("--remote", is_flag=True, help="Run it on the running service: dataflow up.")
@click.option(
    "--config",
    "config",
    metavar="FILE_OR_YAML",
    help="Run config of the job's ops: a YAML or JSON file, or the text itself.",
)
@click.option("--partition", metavar="KEY", help="The partition that a partitioned job runs for.")
@click.option(
    "--only",
    multiple=True,
    metavar="PART",
    help="Only this: load, models, dashboard, or a model by its name. May be repeated.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also print the workflow's log lines.")
@click.option(
    "--full-refresh", is_flag=True, help="Read everything again; it takes the table's place."
)
@click.option("--since", default="", metavar="VALUE", help="Read from this value of the cursor on.")
@click.option("--until", default="", metavar="VALUE", help="Read up to this value, excluded.")
@click.option(
    "--no-daemon", is_flag=True, help="Use no warm process, and start none for the next run."
)
def run(
    name: str,
    as_json: bool,
    remote: bool,
    config: str | None,
    partition: str | None,
    only: tuple[str, ...],
    verbose: bool,
    full_refresh: bool,
    since: str,
    until: str,
    no_daemon: bool,
) -> None:
    """Run the workflow NAME here and now; no server is needed.

    The run is in the history that the Dagster UI shows. The exit code is 0 only if every step
    succeeded, 1 if one failed, 2 if the configuration is wrong and nothing was started, 130 if
    Ctrl-C stopped it. With --remote it waits its turn in the service's queue, and Ctrl-C ends
    only the following, not the run.

    An incremental source is read from where the last run ended. --since and --until choose
    another part of it: under `append` the rows read take the place of the table's rows in that
    part. See `dataflow workflow watermark` for where the last run ended.

    --only models has dbt build and test the models again on what has been loaded, --only
    stg_sales that model alone, and --only dashboard publishes again; no source is asked. --only
    load reads the source and loads the raw tables.

    At a terminal, the second run within ten minutes leaves a warm process behind, from which the
    next ones start in a third of the time; it goes when idle (daemon_idle_minutes). Not where CI is
    set, nor in a pipe, unless `[tool.dataflow] daemon = true` or DATAFLOW_DAEMON=1 says so.
    """
    if only and "load" not in only and (full_refresh or since or until or partition):
        raise click.UsageError(
            f"--only {' --only '.join(only)} is made from what has been loaded: leave out "
            "--partition, --full-refresh, --since and --until."
        )
    warm = None
    if sys.platform == "linux" and not (remote or no_daemon):
        from dataflow.service.warm_start import WarmStart

        warm = WarmStart(find_project().root)
        warm.try_warm()
    collect_seldom()
    with importing():
        from dataflow.cli.run_config import read_run_config
        from dataflow.runs.context import share_with_author
        from dataflow.runs.run_request import RunRequest
        from dataflow.shared.logging import configure_logging
        from dataflow.shared.output_redaction import guard_output

    if "DATAFLOW_LOG_LEVEL" not in os.environ:
        configure_logging("info" if verbose else "warning")
    # The author's code runs in this process, and may write and raise what it likes.
    guard_output()
    tags = {**_tags(full_refresh, since, until), **_part_tags(only)}
    project = find_project()
    request = RunRequest(read_run_config(config) if config else {}, partition, tags)
    # The whole configuration is read before anything is imported, started or written.
    with share_with_author(project, name), RunScreen() as line:
        if line.is_seen and not as_json:
            from dataflow.runs.run_ledger import RunLedger

            line.usual = RunLedger(project).usual_seconds(name)
        # With its log lines, a run tells of them itself.
        line.tells_long_steps = not verbose
        report = None if as_json else functools.partial(_print_step, line)
        if remote:
            from dataflow.cli.run_remote import run_remote

            if not as_json:
                click.echo(f"Running {click.style(name, bold=True)} on the service …")
            ended = run_remote(project, name, report, request, verbose=verbose)
        else:
            with importing():
                from dataflow.runs.run import run_workflow

                get_workflow(name, project)
            if not as_json:
                click.echo(f"Running {click.style(name, bold=True)} …")
            ended = run_workflow(
                project,
                name,
                report=report,
                on_wait=lambda holder: click.echo(f"  waiting for {holder} …", err=True),
                request=request,
                progress=line.progress,
            )
    if warm is not None:
        warm.start_for_next()
    if as_json:
        click.echo(json.dumps(ended.as_json(), indent=2))
    else:
        _print_outcome(project, ended)
    if ended.stopped:
        raise click.Abort
    if not ended.success:
        sys.exit(1)


def _tags(full_refresh: bool, since: str, until: str) -> dict[str, str]:
    """How a run is told which part of its source to read; nothing is imported for a plain one."""
    if not (full_refresh or since or until):
        return {}
    from dataflow.runs.reading import Reading

    return Reading(full_refresh, since, until).as_tags()


def _part_tags(only: tuple[str, ...]) -> dict[str, str]:
    if not only:
        return {}
    from dataflow.runs.run_part import part_tags

    return part_tags(only)


def _print_step(line: RunScreen, step: Step) -> None:
    if step.status == "running":
        line.begin(step.name)
        return
    if line.end(step):
        return
    mark = _MARKS.get(step.status, "-")
    seconds = f"{step.seconds:6.1f} s" if step.status == "succeeded" else " " * 8
    text = step.summary or (step.status if step.status != "succeeded" else "")
    line.say(f"  {mark} {step.name:<10} {seconds}  {text}".rstrip())


def _print_outcome(project: Project, run: Run) -> None:
    seconds = run.seconds or 0.0
    if run.success:
        click.echo(f"Done in {seconds:.1f} s. Run {run.run_id}.")
        _print_where(project, run.workflow_id)
        return
    click.echo(f"\nFailed after {seconds:.1f} s. Run {run.run_id}.", err=True)
    failed = [step for step in run.steps if step.status == "failed"]
    for step in failed:
        click.echo(f"{click.style(step.name, bold=True)}: {step.error}", err=True)
        if step.code and sys.stderr.isatty():
            click.echo(f"More: dataflow explain {step.code}", err=True)
        if os.environ.get("DATAFLOW_DEBUG"):
            click.echo(step.traceback, err=True)
    if not failed:
        click.echo(run.error or "The run was stopped.", err=True)


def _print_where(project: Project, workflow_id: str) -> None:
    from dataflow.publish.folders import dashboard_folder, is_built
    from dataflow.warehouse.kind import open_warehouse, shown_location

    warehouse = open_warehouse(project, workflow_id)
    if warehouse.exists():
        click.echo(f"  Tables      {shown_location(project, warehouse)}")
    if dashboard_folder(project, workflow_id).is_dir():
        todo = f"dataflow evidence {'serve' if is_built(project, workflow_id) else 'build'}"
        click.echo(f"  Dashboard   {todo}, then open /{workflow_id}/")
