"""What is kept of a workflow outside of files that people own: history, published data, locks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.publish.folders import SiteFolders
from dataflow.publish.manifest import forget_workflows, read_manifest, rename_workflow
from dataflow.shared.project import Project
from dataflow.warehouse.capabilities import RenamesTables
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from dataflow_tools.lifecycle.transaction import Actions

_MOST_RUNS = 1_000_000


def actions() -> Actions:
    """What a transaction can do beside moving files, by the names in its journal."""
    return {
        "publish": _rename_published,
        "unpublish": _unpublish,
        "history": _rename_history,
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
