"""Running a workflow for many of its partitions, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.runs.context import share_with_author
from dataflow.runs.dagster_names import PARTITION_TAG, WORKFLOW_TAG
from dataflow.runs.definitions import runnable_job
from dataflow.runs.instance import open_instance
from dataflow.runs.module_definitions import uses_steps
from dataflow.warehouse.kind import visible_warehouse
from dataflow.warehouse.load_log import loaded_partitions
from dataflow.workflows.registry import get_workflow

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from dataflow.runs.run_request import PartitionRange
    from dataflow.shared.project import Project


def chosen_partitions(
    project: Project, workflow_id: str, asked: PartitionRange, *, missing: bool
) -> list[str]:
    """The keys of the partitions to run.

    Args:
        missing: Only those that no run has succeeded for, or that are not in the tables any more:
            an earlier state of these was restored, or another partition took the place of all.

    Raises:
        RunRequestError: The workflow has no partitions, or none of these.
        WorkflowNotFoundError: The project has no such workflow.
        BrokenWorkflowError: Its code cannot be imported.
        ConfigError: Its config.yaml is wrong.
        HistoryError: Dagster's history cannot be opened.
    """
    with share_with_author(project, workflow_id) as config, open_instance(project) as instance:
        partitions = runnable_job(
            project, get_workflow(workflow_id, project), config
        ).partitions_def
        known = None
        if partitions is not None:
            known = partitions.get_partition_keys(dynamic_partitions_store=instance)
        keys = asked.keys(workflow_id, known)
        done = _succeeded(instance, workflow_id) if missing else set()
        there = _there(project, workflow_id) if done else None
        done = done if there is None else done & there
    return [key for key in keys if key not in done]


def _there(project: Project, workflow_id: str) -> set[str] | None:
    """The partitions that the tables have now; None if that is not known."""
    warehouse = visible_warehouse(project, workflow_id)
    if not warehouse.exists():
        # Whoever deletes it wants it filled again; a job with steps of its own may never have one.
        return set() if uses_steps(workflow_id) else None
    with warehouse.connect(read_only=True) as connection:
        return loaded_partitions(connection)


def _succeeded(instance: DagsterInstance, workflow_id: str) -> set[str]:
    from dagster import DagsterRunStatus, RunsFilter

    asked = RunsFilter(tags={WORKFLOW_TAG: workflow_id}, statuses=[DagsterRunStatus.SUCCESS])
    return {run.tags.get(PARTITION_TAG, "") for run in instance.get_runs(asked)}
