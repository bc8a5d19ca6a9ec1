"""Which machine a run may be on: never one that lacks the tables, files and dashboards it needs.

A run that is executed elsewhere than the one before, on what lies on one machine's disk, would
begin with empty tables, and end well.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from dataflow.runs.dagster_names import ENVIRONMENT_TAG, RUN_HOST_TAG, WORKFLOW_TAG
from dataflow.runs.launcher_kind import DAGSTER_SETTINGS, chosen_launcher, named_launcher
from dataflow.shared.environments import chosen_environment, written_for_environment
from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow.warehouse.data_folder import check_data_folder
from dataflow.warehouse.kind import AtomicWarehouse, has_shared_tables, visible_warehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from dataflow.shared.project import Project

# Dagster's own distributions whose launchers execute runs in other places.
_REMOTE = ("dagster_k8s", "dagster_celery", "dagster_docker", "dagster_aws", "dagster_azure")
_INSTRUCTION = (
    "Set them to what every machine reaches: a warehouse that hosts share, state_store and "
    "publish_target as addresses or mounted folders; see docs/environments.md."
)


class LocalStateError(BadInputError):
    """A run would be on another machine than what it works on.

    Why: Tables, history or dashboards are on one machine, and the run would be on another: it
    would begin with empty ones and end well.

    What to do: Put what is named into a place that all machines reach (docs/environments.md), or
    run the workflow where it ran before.
    """

    http_status = 409


class SharedTargetError(BadInputError):
    """Two environments with different tables would publish them in one place."""

    http_status = 409


def local_parts(project: Project) -> list[str]:
    """What of a project's state is on one machine only, each with the setting that changes it.

    A folder that a person has named is taken for one that every host has mounted.
    """
    settings, parts = project.settings, []
    if not has_shared_tables(project):
        choice = settings.warehouse
        name = choice if isinstance(choice, str) else choice.get("type")
        parts.append(f"the tables (warehouse = {name!r})")
    if not settings.state_store:
        parts.append("what steps hand over and failed runs leave (state_store is not set)")
    if settings.publishers and not settings.publish_target:
        parts.append("the published tables (publish_target is not set)")
    return parts


def check_reach(project: Project) -> None:
    """Refuse a run where runs are executed on other hosts, and what they need is on one.

    Raises:
        LocalStateError: Says what it is, and what to set.
        SharedTargetError: An environment would replace what another one has published.
        DataFolderError: The tables' folder cannot be written.
    """
    check_apart(project)
    check_data_folder(project)
    check_remote(project)


def check_remote(project: Project) -> None:
    """Refuse to start runs on other hosts while something that they need is on one.

    Raises:
        LocalStateError: Says what it is, and what to set.
    """
    launcher = _remote_launcher(project)
    if not launcher:
        return
    parts = local_parts(project)
    if parts:
        raise LocalStateError(
            f"{launcher} starts runs on other machines, and these are on one only: "
            f"{'; '.join(parts)}.",
            _INSTRUCTION,
        )
    if not project.settings.history:
        raise LocalStateError(
            "Runs are started on other machines, and the history, with the locks of the workflows, "
            "is on one only (history is not set).",
            'Set history = "postgresql://...", which every machine can reach; see '
            "docs/environments.md.",
        )


def check_apart(project: Project) -> None:
    """Refuse to publish an environment's own tables where the project publishes its.

    Raises:
        SharedTargetError: Says what to set.
    """
    name = project.environment_apart
    if not name or not project.settings.publish_target:
        return
    path = project.root / PROJECT_FILE
    own = read_project_file(path).content["tool"]["dataflow"]
    if not written_for_environment(own, path, "publish_target"):
        raise SharedTargetError(
            f"The environment {name!r} has tables of its own, and would publish them in the place "
            "of those that the project has published (publish_target of [tool.dataflow]).",
            f"Set publish_target in [tool.dataflow.environments.{name}]: to another place, or to "
            'the same, if both are never used; "" is a folder of this machine of its own.',
        )


def _remote_launcher(project: Project) -> str:
    """What starts runs elsewhere, as a person knows it; nothing where runs stay here."""
    if named := named_launcher(project):
        module = str(named.get("module"))
        is_remote = module.startswith(_REMOTE)
        return f"run_launcher of {DAGSTER_SETTINGS}, {module}," if is_remote else ""
    launcher = chosen_launcher(project)
    if launcher is None or not launcher[0].is_remote:
        return ""
    choice = project.settings.launcher
    return f"launcher = {choice if isinstance(choice, str) else choice.get('type')!r}"


def check_place(project: Project, workflow_id: str, instance: DagsterInstance) -> None:
    """Refuse a run on another machine than the last good one, where what that one made stays there.

    Asked only where hosts share a history; whose tables are those of the last good run, as after
    a move of the folders or in a container that was made anew, may go on.

    Raises:
        LocalStateError: Says where the last run was, and what to set.
    """
    if not project.settings.history or not (parts := local_parts(project)):
        return
    from dagster import DagsterRunStatus, RunsFilter

    asked = RunsFilter(tags={WORKFLOW_TAG: workflow_id}, statuses=[DagsterRunStatus.SUCCESS])
    here = socket.gethostname()
    for run in instance.get_runs(asked, limit=1):
        host = run.tags.get(RUN_HOST_TAG, here)
        if host == here:
            continue
        warehouse = visible_warehouse(project, workflow_id)
        if isinstance(warehouse, AtomicWarehouse) and warehouse.is_promoted(run.run_id):
            continue
        raise LocalStateError(
            f"The last good run of {workflow_id!r} was on {host}, this is {here}, and what it made "
            f"is on {host} only: {'; '.join(parts)}.",
            f"Run it on {host}. {_INSTRUCTION}",
        )


def place_tags(project: Project) -> dict[str, str]:
    """What a run notes of where it is executed: environment, and in a shared history the host."""
    name = chosen_environment()
    environment = {ENVIRONMENT_TAG: name} if name else {}
    host = {RUN_HOST_TAG: socket.gethostname()} if project.settings.history else {}
    return {**environment, **host}
