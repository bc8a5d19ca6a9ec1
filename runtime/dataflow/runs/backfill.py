"""Running a workflow for many of its partitions, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.runs.context import share_with_author
from dataflow.runs.dagster_names import PARTITION_TAG, WORKFLOW_TAG
from dataflow.runs.definitions import runnable_job
from dataflow.runs.instance import open_instance
from dataflow.runs.run_request import RunRequestError, partitions_between
from dataflow.workflows.registry import get_workflow

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from dataflow.shared.project import Project


def chosen_partitions(
    project: Project, workflow_id: str, first: str, last: str, *, missing: bool
) -> list[str]:
    """The keys of the partitions to run.

    Args:
        first: The first of them, or the time at which it begins; empty for the first there is.
        last: The last of them, likewise.
        missing: Only those that no run has succeeded for.

    Raises:
        RunRequestError: The workflow has no partitions, or none of these.
        WorkflowNotFoundError: The project has no such workflow.
        BrokenWorkflowError: Its code cannot be imported.
        ConfigError: Its config.yaml is wrong.
        HistoryError: Dagster's history cannot be opened.
    """
    with share_with_author(project, workflow_id) as config, open_instance(project) as instance:
        job = runnable_job(project, get_workflow(workflow_id, project), config)
        if job.partitions_def is None:
            raise RunRequestError(
                f"The workflow {workflow_id!r} has no partitions.",
                "Say by what in `workflow.partition` of config.yaml, such as "
                "{by: day, start: 2024-01-01, column: day}.",
            )
        keys = list(job.partitions_def.get_partition_keys(dynamic_partitions_store=instance))
        chosen = partitions_between(workflow_id, keys, first, last)
        done = _succeeded(instance, workflow_id) if missing else set()
    return [key for key in chosen if key not in done]


def _succeeded(instance: DagsterInstance, workflow_id: str) -> set[str]:
    from dagster import DagsterRunStatus, RunsFilter

    asked = RunsFilter(tags={WORKFLOW_TAG: workflow_id}, statuses=[DagsterRunStatus.SUCCESS])
    return {run.tags.get(PARTITION_TAG, "") for run in instance.get_runs(asked)}
