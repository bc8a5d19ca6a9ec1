"""``dataflow workflow run --remote``: on the running service instead of in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataflow.cli.service_client import followed, service_client
from dataflow.runs.run_request import RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.runs.model import Run, Step
    from dataflow.service.run_answers import LogEntry
    from dataflow.shared.project import Project


def run_remote(
    project: Project,
    workflow_id: str,
    report: Callable[[Step], None] | None = None,
    request: RunRequest | None = None,
    *,
    verbose: bool = False,
) -> Run:
    """Run a workflow on the service that `dataflow up` runs, and follow it to its end.

    Args:
        report: Called when a step starts and when it ends.
        request: Run config, partition and tags; None for none.
        verbose: Print the run's log lines as well.

    Raises:
        WorkflowBusyError: It runs, and the setting ``when_busy`` says to refuse.
        StillRunningError: Ctrl-C; the run goes on.
    """
    with service_client(project) as dagster:
        # Not before it is known that what they need is installed.
        from dataflow.service.follow import follow_run
        from dataflow.service.launch_once import launch_run

        asked = request or RunRequest()
        run = launch_run(dagster, workflow_id, asked, asked.tags)
        with followed(f"The run {run.run_id}", project, dagster, f"/runs/{run.run_id}"):
            return follow_run(dagster, run.run_id, report, _print_line if verbose else None)


def _print_line(entry: LogEntry) -> None:
    if entry.level == "debug" or not entry.message:
        return
    click.echo(f"{entry.time.astimezone():%H:%M:%S} {entry.level:<8} {entry.message}", err=True)
