"""``dataflow reload``."""

from __future__ import annotations

import json

import click

from dataflow.shared.project import find_project


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reload(as_json: bool) -> None:
    """Let the running service read all workflows anew.

    It does so by itself within seconds of a change on disk, unless the setting reload_on_change is
    off or the files lie where changes are not told of. Runs under way go on; nothing is restarted.
    The exit code is 1 if a workflow is broken.
    """
    from dataflow.shared.errors import MissingDependencyError

    try:
        from dataflow.service.dagster_client import Dagster
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Asking the service needs {error.name}, which is not installed.",
            "Install it: pip install 'dataflow-runtime[api]'",
        ) from error
    dagster = Dagster(find_project())
    try:
        jobs = dagster.reload()
    finally:
        dagster.close()
    broken = {job.workflow_id: job.broken for job in jobs.values() if job.broken}
    if as_json:
        loaded = sorted(jobs.keys() - broken.keys())
        click.echo(json.dumps({"loaded": loaded, "broken": broken}, indent=2))
    else:
        click.echo(f"The service has loaded {len(jobs) - len(broken)} workflows.")
        for workflow_id, reason in sorted(broken.items()):
            click.echo(f"  ✗ {workflow_id}: {reason}", err=True)
    if broken:
        raise SystemExit(1)
