"""Dagster's own watch over the runs of the service, which tells people of those that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import (
    DefaultSensorStatus,
    RunFailureSensorContext,
    run_failure_sensor,
)

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.notifications import report_failure
from dataflow.runs.run_events import failure_of

if TYPE_CHECKING:
    from dagster import SensorDefinition

    from dataflow.shared.project import Project

_SECONDS_BETWEEN_LOOKS = 15


def failure_sensor(project: Project) -> SensorDefinition:
    """A sensor, on from the start, that reports the failed runs of the service."""

    @run_failure_sensor(
        name="report_failures",
        description="Tells those whom config.yaml names under run.on_failure.",
        minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
        default_status=DefaultSensorStatus.RUNNING,
    )
    def report(context: RunFailureSensorContext) -> None:
        run = context.dagster_run
        workflow_id = run.tags.get(WORKFLOW_TAG)
        if workflow_id is not None:
            error = failure_of(context.instance, run.run_id, workflow_id, project)
            report_failure(
                project, workflow_id, run.run_id, error or context.failure_event.message or ""
            )

    definition: SensorDefinition = report
    return definition
