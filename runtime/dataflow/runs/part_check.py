"""Refusing a part of a run that its workflow does not have, before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.runs.run_part import DASHBOARD, LOAD, MODELS, PARTS, parts_of
from dataflow.runs.run_request import RunRequestError
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import as_sentence, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.project import Project

# What some are made from, in the folder of a workflow.
_FOLDERS = {MODELS: "dbt", DASHBOARD: "evidence"}


def check_parts(
    project: Project, workflow_id: str, tags: Mapping[str, str], *, has_steps: bool = True
) -> None:
    """Refuse a part that a workflow does not have, before anything is started.

    Raises:
        RunRequestError: There is no such part, or the job has steps of its own alone.
    """
    parts = parts_of(tags)
    if parts and not has_steps:
        raise RunRequestError(
            f"The job of {workflow_id!r} uses none of the library's Steps, so it has no parts.",
            "Run the whole workflow.",
        )
    if LOAD in parts and not _loads(project, workflow_id):
        raise RunRequestError(
            f"The workflow {workflow_id!r} loads nothing: it reads the tables of other workflows.",
            "Run the whole workflow, or another part.",
        )
    for part in sorted(parts & set(_FOLDERS)):
        folder = project.workflow_dir(workflow_id) / _FOLDERS[part]
        if not folder.is_dir():
            raise RunRequestError(
                f"The workflow {workflow_id!r} has no {part}: there is no folder "
                f"{_FOLDERS[part]} in it.",
                "Run the whole workflow, or another part.",
            )
    if named := parts - set(PARTS):
        from dataflow.modelling.known_graph import known_graph

        known = {model.name for model in known_graph(project, workflow_id).models}
        for name in sorted(named - known):
            raise RunRequestError(
                f"The workflow {workflow_id!r} has no part and no model {quoted(name)}.",
                as_sentence(did_you_mean(name, [*PARTS, *known]))
                or f"Name {', '.join(PARTS)} or a model, seed or snapshot of its dbt project.",
            )


def _loads(project: Project, workflow_id: str) -> bool:
    """Whether it has a source; what is wrong with its config.yaml is the run's matter."""
    from dataflow.shared.config import workflow_config
    from dataflow.shared.errors import DataflowError

    try:
        return bool(workflow_config(workflow_id, project).tables)
    except DataflowError:
        return True


def closing_parts(project: Project, workflow_id: str) -> list[str]:
    """The parts that a workflow has of those that follow its load."""
    folder = project.workflow_dir(workflow_id)
    return [part for part, name in _FOLDERS.items() if (folder / name).is_dir()]
