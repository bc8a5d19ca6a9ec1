"""Doctor: whether the machine, and the project if there is one, are fit to run workflows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import PROJECT_VARIABLE, Project, ProjectNotFoundError, find_project
from dataflow.workflows.registry import list_workflow_ids
from dataflow_tools.checks.diagnosis import Diagnosis, Problem, diagnosed, unasked
from dataflow_tools.checks.installation import diagnose_installation
from dataflow_tools.checks.project_health import diagnose_project
from dataflow_tools.checks.template_version import diagnose_versions

if TYPE_CHECKING:
    from pathlib import Path


def examine(*, offline: bool = False) -> tuple[Path | None, dict[str, list[Diagnosis]]]:
    """Look at the machine, and at the project of the current folder.

    Args:
        offline: Whether to leave templates unasked.

    Returns:
        The project's root, if there is one, and by group what was found.
    """
    project, found = _project()
    parts = _parts(project) if project else set()
    needed = {"run", *({"dbt"} & parts), *({"evidence"} & parts)} if project else set()
    machine = diagnose_installation(needed, needs_node="evidence" in parts)
    if project is None:
        return None, {"Machine": machine, "Project": [found]}
    around = [*diagnose_project(project), *diagnose_versions(project, offline=offline)]
    return project.root, {"Machine": machine, "Project": around}


def _project() -> tuple[Project | None, Diagnosis]:
    try:
        return find_project(), unasked("project", "")
    except ProjectNotFoundError as error:
        if os.environ.get(PROJECT_VARIABLE):
            return None, diagnosed("project", [Problem(error.reason, error.instruction)])
        return None, unasked("project", "this folder is not inside one")
    except BadInputError as error:
        return None, diagnosed("project", [Problem(error.reason, error.instruction)])


def _parts(project: Project) -> set[str]:
    """The optional folders that workflows of the project have."""
    folders = [project.workflow_dir(name) for name in list_workflow_ids(project)]
    return {part for part in ("dbt", "evidence") if any((f / part).is_dir() for f in folders)}
