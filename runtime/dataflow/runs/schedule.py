"""The schedule that a workflow's config.yaml asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster import (
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    TimeWindowPartitionsDefinition,
)
from dagster._core.definitions.partitions.context import partition_loading_context

from dataflow.runs.dagster_names import TRIGGER_TAG, WORKFLOW_TAG

if TYPE_CHECKING:
    from dagster import JobDefinition

    from dataflow.runs.definitions import WorkflowDefinitions
    from dataflow.shared.config_model import WorkflowSettings

# What has asked for its runs, as lists and the API tell it.
_TRIGGER = "schedule"


def config_schedule(
    found: WorkflowDefinitions, job: JobDefinition, settings: WorkflowSettings
) -> list[ScheduleDefinition]:
    """The schedule of ``workflow.schedule``.

    A job that is partitioned by time runs for the last partition that has ended. One that is
    partitioned in another way has none, and ``found`` names it as left out.
    """
    status = DefaultScheduleStatus.RUNNING if settings.schedule_on else None
    common: dict[str, Any] = {
        "name": f"{found.workflow_id}_schedule",
        "job": job,
        "cron_schedule": settings.schedule,
        "execution_timezone": settings.timezone,
        "default_status": status or DefaultScheduleStatus.STOPPED,
        "tags": {WORKFLOW_TAG: found.workflow_id, TRIGGER_TAG: _TRIGGER},
    }
    partitions = job.partitions_def
    if partitions is None:
        return [ScheduleDefinition(**common)]
    if not isinstance(partitions, TimeWindowPartitionsDefinition):
        found.left_out.append(
            "the schedule of config.yaml: The job is partitioned, and not by time: define a "
            "schedule in dagster_job.py that says which partition to run."
        )
        return []

    def evaluate(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        with partition_loading_context(context.scheduled_execution_time):
            key = partitions.get_last_partition_key()
        if key is None:
            return SkipReason("No partition has ended yet.")
        now = context.scheduled_execution_time
        tags = {**job.run_tags, TRIGGER_TAG: _TRIGGER}
        return job.run_request_for_partition(key, tags=tags, current_time=now)

    del common["tags"]
    return [ScheduleDefinition(**common, execution_fn=evaluate)]
