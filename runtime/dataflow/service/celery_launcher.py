"""The launcher ``celery``: workers of Celery, on whichever machines, execute one run each.

It is Dagster's own launcher for Celery. What it lacks is added: the addresses of broker and results
stay out of the files of Dagster's home, a run whose worker was killed is noticed by the lock that
each run holds, and a run of a terminal is not asked after at Celery.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from dataflow.runs.launcher_kind import LauncherKind
from dataflow.shared.config_types import Section, Text, refusal
from dataflow.shared.errors import DataflowError, MissingDependencyError
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from celery import Celery

# Seconds after which a broker that does not answer is given up.
_SECONDS_TO_ANSWER = 5
# Redis hands a task that nobody has confirmed to another worker after this time, which is why the
# tasks here are confirmed when they begin: a run is never executed twice.
_TRANSPORT = {
    "visibility_timeout": 12 * 3600,
    "max_retries": 3,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}


class BrokerError(DataflowError):
    """Celery's broker cannot be reached."""

    http_status = 503


class CelerySettings(Section):
    """Workers of Celery execute the runs."""

    type: Literal["celery"] = Field(description="Workers of Celery execute the runs.")
    broker: Text = Field(description="Where tasks wait, such as redis://:${PASSWORD}@host:6379/0.")
    backend: Text | None = Field(
        default=None,
        validate_default=True,
        description="Where Celery keeps how tasks ended; the broker if not given. RabbitMQ keeps "
        "nothing: with it, such as db+postgresql+psycopg2://user:${PASSWORD}@host/database.",
    )
    queue: Text = Field(default="dagster", description="The queue that the workers listen to.")

    @field_validator("backend")
    @classmethod
    def _keeps_results(cls, value: str | None, info: ValidationInfo) -> str | None:
        place = value or info.data.get("broker", "")
        scheme = place.partition("://")[0]
        # By `rpc` only the process that has sent a task hears how it ended.
        if "amqp" in scheme or scheme == "rpc":
            raise refusal(
                "is missing, or RabbitMQ, which cannot keep how tasks ended. Give the address of a "
                "Redis, or of a Postgres such as that of `history`: "
                "db+postgresql+psycopg2://user@host/database",
            )
        return value


def app_settings(settings: CelerySettings) -> dict[str, Any]:
    """What Celery's application is made of, for the launcher and for workers alike."""
    return {
        "broker": settings.broker,
        "backend": settings.backend or settings.broker,
        "default_queue": settings.queue,
        "config_source": {
            "worker_prefetch_multiplier": 1,
            # Else a busy worker takes the next run and keeps it, while others have nothing to do.
            "worker_disable_prefetch": settings.broker.startswith("redis"),
            "task_default_queue": settings.queue,
            "task_acks_late": False,
            "broker_transport_options": _TRANSPORT,
            "broker_connection_retry_on_startup": True,
            # Who starts a run hears soon that there is no broker.
            "broker_connection_timeout": _SECONDS_TO_ANSWER,
            "redis_socket_connect_timeout": _SECONDS_TO_ANSWER,
        },
    }


def require_celery(settings: CelerySettings) -> None:
    """Say what to install where Celery is chosen and is not there.

    Raises:
        MissingDependencyError: A package of the extra ``celery`` is not installed.
    """
    needed = ["celery", "dagster_celery", "psycopg2"]
    needed += ["redis"] if settings.broker.startswith("redis") else []
    for module in needed:
        if find_spec(module) is None:
            raise MissingDependencyError(
                f"launcher = 'celery' needs {module}, which is not installed.",
                "Install it: pip install 'dataflow-runtime[celery]'",
            )


def check_broker(settings: CelerySettings) -> str:
    """Try to reach the broker, and count the workers that answer.

    Raises:
        MissingDependencyError: A package of the extra ``celery`` is not installed.
        BrokerError: The broker does not answer.
    """
    workers = len(_ping(make_app(settings), settings))
    if not workers:
        return "the broker answers, and no worker yet: runs wait for a `dataflow worker celery`"
    noun = "worker answers" if workers == 1 else "workers answer"
    return f"the broker answers, {workers} {noun}"


def make_app(settings: CelerySettings) -> Celery:
    """Celery's application, with the tasks that execute runs."""
    require_celery(settings)
    from dagster_celery.make_app import make_app as dagster_app
    from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

    given = app_settings(settings)
    make: Any = dagster_app
    app: Celery = make(
        {
            "broker": given["broker"],
            "backend": given["backend"],
            "config_source": given["config_source"],
            "task_default_queue": settings.queue,
        }
    )
    create_execute_job_task(app)
    create_resume_job_task(app)
    return app


def _ping(app: Celery, settings: CelerySettings) -> list[Any]:
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=_SECONDS_TO_ANSWER)
        return list(app.control.ping(timeout=2.0) or [])
    except Exception as error:  # each transport has errors of its own
        said = redact(" ".join(str(error).split())) or type(error).__name__
        raise BrokerError(
            f"Celery's broker at {redact(settings.broker)} does not answer: {said}.",
            "Start it, or correct `broker` of the setting launcher.",
        ) from error


def _config(settings: CelerySettings) -> dict[str, Any]:
    require_celery(settings)
    return {"module": "dataflow.service.celery_runs", "class": "CeleryLauncher"}


KIND = LauncherKind(CelerySettings, _config, check_broker)
