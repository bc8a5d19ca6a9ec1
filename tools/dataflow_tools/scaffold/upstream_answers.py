"""Answers for a workflow that has no source, and reads the tables of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.modelling.known_graph import known_graph
from dataflow.shared.config import workflow_config
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import did_you_mean, known_names
from dataflow.shared.upstream import is_workflow_folder

if TYPE_CHECKING:
    from dataflow.shared.project import Project

_MARTS = "marts"


def upstream_answers(project: Project, workflow_id: str, after: str) -> dict[str, Any]:
    """What the template is told of the workflows that a new one comes after.

    Args:
        workflow_id: The new workflow.
        after: Their ids, with commas between them.

    Raises:
        BadInputError: One of them is not there, or they are none.
    """
    names = list(dict.fromkeys(filter(None, (each.strip() for each in after.split(",")))))
    there = workflows_to_read(project)
    unknown = [each for each in names if each not in there or each == workflow_id]
    if unknown or not names:
        near = did_you_mean(unknown[0], there) if unknown else ""
        known = f"there are: {known_names(there, 10)}" if there else "there is none yet"
        hint = near or known
        raise BadInputError(
            f"{quoted(unknown[0] if unknown else after)} is no workflow of this project.",
            f"{hint[:1].upper()}{hint[1:]}",
        )
    return {"after": names, "upstream_table": _first_table(project, names[0])}


def workflows_to_read(project: Project) -> list[str]:
    """The ids of the workflows that others can come after."""
    folder = project.workflows_dir
    folders = folder.iterdir() if folder.is_dir() else ()
    return sorted(each.name for each in folders if is_workflow_folder(each))


def _first_table(project: Project, upstream: str) -> str:
    """A table that a workflow makes for others: its own namesake, else the first mart."""
    models = known_graph(project, upstream).models
    names = [each.relation[1] for each in models if each.relation[0] == _MARTS]
    if not names:
        try:
            names = [each.load.table for each in workflow_config(upstream, project).tables]
        except DataflowError:
            # A run of it says what is wrong with its file.
            names = []
    return upstream if upstream in names or not names else names[0]
