"""``dataflow workflow run --remote``: on the running service instead of in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dataflow.runs.run_request import RunRequest
from dataflow.shared.errors import DataflowError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.runs.model import Run, Step
    from dataflow.service.run_answers import LogEntry
    from dataflow.shared.project import Project


class StillRunningError(DataflowError):
    """Nobody follows the run any more, but it goes on."""

    exit_code = 130


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
    try:
        from dataflow.service.dagster_client import Dagster
        from dataflow.service.follow import follow_run
        from dataflow.service.launch_once import launch_run
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Running on a service needs {error.name}, which is not installed.",
            "Install it: pip install 'dataflow-runtime[api]'",
        ) from error
    dagster = Dagster(project)
    try:
        asked = request or RunRequest()
        run = launch_run(dagster, workflow_id, asked, asked.tags)
        try:
            return follow_run(dagster, run.run_id, report, _print_line if verbose else None)
        except KeyboardInterrupt:
            raise StillRunningError(
                f"The run {run.run_id} goes on without being followed.",
                f"See it at {project.settings.public_url or dagster.url}/runs/{run.run_id}, "
                "which can stop it, too.",
            ) from None
    finally:
        dagster.close()


def _print_line(entry: LogEntry) -> None:
    if entry.level == "debug" or not entry.message:
        return
    click.echo(f"{entry.time.astimezone():%H:%M:%S} {entry.level:<8} {entry.message}", err=True)
