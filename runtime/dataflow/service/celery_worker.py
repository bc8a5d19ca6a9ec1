"""A worker of Celery that executes runs, each in a process of its own."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from dataflow.runs.dagster_names import JOB_VARIABLE, WORKFLOW_TAG, WORKFLOW_VARIABLE
from dataflow.runs.instance import open_instance, settings_home
from dataflow.runs.launcher_kind import chosen_launcher
from dataflow.runs.place import check_reach
from dataflow.service.celery_launcher import CelerySettings, make_app
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import PROJECT_VARIABLE, Project

if TYPE_CHECKING:
    from celery import Celery


class NoCeleryError(BadInputError):
    """The environment has another launcher."""


def prepare_worker(project: Project) -> tuple[Celery, CelerySettings]:
    """Celery's application for a worker, in a process that is ready to execute runs.

    Raises:
        NoCeleryError: The environment's launcher is another one.
        LocalStateError: What runs need is on one machine only.
        HistoryError: The history cannot be opened.
        MissingDependencyError: A package of the extra ``celery`` is not installed.
    """
    chosen = chosen_launcher(project)
    settings = chosen[1] if chosen else None
    if not isinstance(settings, CelerySettings):
        raise NoCeleryError(
            f"launcher is {project.settings.launcher!r} here: no run would come to this worker.",
            'Choose the environment by --env, or set launcher = {type = "celery", broker = "..."}.',
        )
    check_reach(project)
    app = make_app(settings)
    with open_instance(project):
        pass
    os.environ["DAGSTER_HOME"] = str(settings_home(project))
    os.environ[PROJECT_VARIABLE] = str(project.root)
    project.make_importable()
    from celery.signals import task_prerun

    task_prerun.connect(_tell_which_run, weak=False)
    return app, settings


def serve_worker(app: Celery, settings: CelerySettings, runs_at_once: int, name: str) -> None:
    """Execute runs until interrupted."""
    # As log records of Celery's it would be kept with no run.
    app.conf.worker_redirect_stdouts = False
    app.worker_main(
        [
            *("worker", "--queues", settings.queue, "--concurrency", str(runs_at_once)),
            # Each run imports the project's code as it is when it begins, and leaves nothing.
            *("--pool", "prefork", "--max-tasks-per-child", "1"),
            *("--hostname", f"{name or 'dataflow'}@{socket.gethostname()}", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle"),
        ]
    )


def _tell_which_run(kwargs: dict[str, Any] | None = None, **_: Any) -> None:
    """Let the code location load the run's own workflow only, as for runs of this machine."""
    from dagster import DagsterInstance

    packed = (kwargs or {}).get("execute_job_args_packed") or {}
    run_id = packed.get("run_id") if isinstance(packed, dict) else None
    if not run_id:
        return
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
    if run is not None:
        os.environ[JOB_VARIABLE] = run.job_name
        if workflow_id := run.tags.get(WORKFLOW_TAG):
            os.environ[WORKFLOW_VARIABLE] = workflow_id
