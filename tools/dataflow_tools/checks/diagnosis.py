"""Doctor: whether the machine, and the project if there is one, are fit to run workflows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dataflow.shared.config_schema import renew_schema
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.finding import Finding
from dataflow.shared.project import PROJECT_VARIABLE, Project, ProjectNotFoundError, find_project
from dataflow.workflows.registry import list_workflow_ids
from dataflow_tools.checks.installation import diagnose_installation
from dataflow_tools.checks.plugins import diagnose_plugins
from dataflow_tools.checks.project_health import diagnose_project
from dataflow_tools.checks.protocol import Verdict, judged, not_applicable
from dataflow_tools.checks.secret_folder import diagnose_secrets
from dataflow_tools.checks.template_version import diagnose_versions
from dataflow_tools.dashboards.kind import chosen_site

if TYPE_CHECKING:
    from pathlib import Path


def examine(*, offline: bool = False) -> tuple[Path | None, dict[str, dict[str, Verdict]]]:
    """Look at the machine, and at the project of the current folder.

    Args:
        offline: Whether to leave templates unasked.

    Returns:
        The project's root, if there is one, and by group, how each thing stands.
    """
    try:
        project = find_project()
    except BadInputError as error:
        is_none_wanted = isinstance(error, ProjectNotFoundError) and not os.environ.get(
            PROJECT_VARIABLE
        )
        found = judged([Finding.of(error)])
        if is_none_wanted:
            found = not_applicable("this folder is not inside one")
        machine = diagnose_installation(set(), needs_node=False) | diagnose_plugins()
        return None, {"Machine": machine, "Project": {"project": found}}
    renew_schema(project)
    parts = _parts(project)
    needs_node = "evidence" in parts and _builds_with_node(project)
    machine = diagnose_installation({"run", *parts}, needs_node=needs_node, root=project.root)
    machine |= diagnose_plugins()
    around = {
        **diagnose_project(project),
        **diagnose_secrets(project),
        **diagnose_versions(project, offline=offline),
    }
    return project.root, {"Machine": machine, "Project": around}


def _builds_with_node(project: Project) -> bool:
    try:
        return chosen_site(project).needs_node
    except DataflowError:
        # What is wrong with the settings is said where they are looked at.
        return True


def _parts(project: Project) -> set[str]:
    """The optional folders that workflows of the project have."""
    folders = [project.workflow_dir(name) for name in list_workflow_ids(project)]
    return {part for part in ("dbt", "evidence") if any((f / part).is_dir() for f in folders)}
