"""``dataflow worker celery``."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--runs",
    "runs_at_once",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many runs at once.",
)
@click.option("--name", default="", help="What Celery calls this worker; default: dataflow.")
def celery(runs_at_once: int, name: str) -> None:
    """Execute the runs that `launcher = {type = "celery"}` hands out, until Ctrl-C.

    It needs the project's folder, the packages of its environment, and what the environment names:
    history, warehouse, state store, publish target, broker. Each run has a process of its own.
    """
    from dataflow.service.celery_worker import prepare_worker, serve_worker
    from dataflow.shared.output_redaction import guard_output
    from dataflow.shared.project import find_project

    guard_output()
    project = find_project()
    app, settings = prepare_worker(project)
    click.echo(f"Runs of {project.name} in the queue {settings.queue!r} are executed here.")
    serve_worker(app, settings, runs_at_once, name)
