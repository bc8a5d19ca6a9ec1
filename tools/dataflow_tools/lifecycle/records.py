"""What is kept of a workflow outside of files: history, published data, switches."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import forget_workflows, read_manifest, rename_workflow
from dataflow.shared.project import Project
from dataflow.warehouse.capabilities import RenamesTables
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.scheduler.instigation import InstigatorState

    from dataflow_tools.lifecycle.transaction import Actions

_MOST_RUNS = 1_000_000
# What a workflow's schedule and sensors are called after its id.
_STARTERS = ("schedule", "after", "file_arrival")


def actions() -> Actions:
    """What a transaction can do beside moving files, by the names in its journal."""
    return {
        "publish": _rename_published,
        "unpublish": _unpublish,
        "history": _rename_history,
        "switches": _rename_switches,
        "tables": _rename_tables,
    }


def has_published(project: Project, workflow_id: str) -> bool:
    """Whether the dashboards have tables of a workflow."""
    manifest = read_manifest(SiteFolders.of(project))
    return workflow_id in manifest.tables or workflow_id in manifest.workflows


def runs_in_history(project: Project, workflow_id: str) -> int:
    """How many runs Dagster's history has of a workflow."""
    if not _has_history(project):
        return 0
    from dagster import RunsFilter

    from dataflow.runs.dagster_names import WORKFLOW_TAG
    from dataflow.runs.instance import open_instance

    with open_instance(project) as instance:
        return instance.get_runs_count(RunsFilter(tags={WORKFLOW_TAG: workflow_id}))


def unfinished_runs(project: Project, workflow_id: str) -> int:
    """How many runs wait in Dagster's queue or are under way."""
    if not _has_history(project):
        return 0
    from dagster import DagsterRunStatus, RunsFilter

    from dataflow.runs.dagster_names import WORKFLOW_TAG
    from dataflow.runs.instance import open_instance

    queued = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]
    with open_instance(project) as instance:
        asked = RunsFilter(tags={WORKFLOW_TAG: workflow_id}, statuses=queued)
        return instance.get_runs_count(asked)


def switches(project: Project, workflow_id: str) -> dict[str, bool]:
    """Which of a workflow's schedule and sensors somebody has switched on or off."""
    if not _has_history(project):
        return {}
    from dagster._core.scheduler.instigation import InstigatorStatus

    from dataflow.runs.instance import open_instance

    known = {InstigatorStatus.RUNNING: True, InstigatorStatus.STOPPED: False}
    with open_instance(project) as instance:
        return {
            name: known[state.status]
            for name, state in _starters(instance, workflow_id).items()
            if state.status in known
        }


def _starters(instance: DagsterInstance, workflow_id: str) -> dict[str, InstigatorState]:
    """What Dagster remembers of a workflow's schedule and sensors."""
    names = {f"{workflow_id}_{name}": name for name in _STARTERS}
    states = instance.all_instigator_state()
    return {
        names[state.instigator_name]: state for state in states if state.instigator_name in names
    }


def _has_history(project: Project) -> bool:
    home = project.dagster_home
    return bool(project.settings.history) or (home.is_dir() and any(home.iterdir()))


def _rename_tables(root: str, old: str, new: str) -> None:
    warehouse = visible_warehouse(Project(Path(root)), old)
    if isinstance(warehouse, RenamesTables):
        warehouse.rename(new)


def _rename_published(root: str, old: str, new: str) -> None:
    rename_workflow(SiteFolders.of(Project(Path(root))), old, new)


def _unpublish(root: str, name: str) -> None:
    folders = SiteFolders.of(Project(Path(root)))
    manifest = read_manifest(folders)
    known = {*manifest.tables, *manifest.workflows} | {path.name for path in folders.data.glob("*")}
    forget_workflows(folders, known - {name})


def _rename_history(root: str, old: str, new: str) -> None:
    """Let the runs of a workflow be those of its new name; their job keeps its own."""
    project = Project(Path(root))
    if not _has_history(project):
        return
    from dagster import RunsFilter

    from dataflow.runs.dagster_names import WORKFLOW_TAG
    from dataflow.runs.instance import open_instance

    with open_instance(project) as instance:
        asked = RunsFilter(tags={WORKFLOW_TAG: old})
        for run_id in instance.get_run_ids(asked, limit=_MOST_RUNS):
            instance.add_run_tags(run_id, {WORKFLOW_TAG: new})


def _rename_switches(root: str, old: str, new: str) -> None:
    """Let a schedule that is on stay on, and a sensor know what it has seen."""
    project = Project(Path(root))
    if not _has_history(project):
        return
    from dagster._core.remote_origin import RemoteInstigatorOrigin
    from dagster._core.scheduler.instigation import InstigatorState, ScheduleInstigatorData

    from dataflow.runs.instance import open_instance

    with open_instance(project) as instance:
        for name, state in _starters(instance, old).items():
            data = state.instigator_data
            if isinstance(data, ScheduleInstigatorData):
                # From now on: what was due before has been run under the old name.
                data = ScheduleInstigatorData(data.cron_schedule, time.time())
            origin = RemoteInstigatorOrigin(state.origin.repository_origin, f"{new}_{name}")
            renamed = InstigatorState(origin, state.instigator_type, state.status, data)
            known = instance.get_instigator_state(renamed.instigator_origin_id, renamed.selector_id)
            if known is None:
                instance.add_instigator_state(renamed)
            else:
                instance.update_instigator_state(renamed)
            instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
