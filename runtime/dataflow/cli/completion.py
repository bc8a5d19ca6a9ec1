"""What a shell completes: the names of the workflows of the project that one is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import find_project
from dataflow.workflows.registry import list_workflow_ids

if TYPE_CHECKING:
    import click


def workflow_names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The workflows that begin with what has been typed, without those that stand there already.

    Outside of a project there are none: a shell that waits for Tab shows no error.
    """
    given = context.params.get(parameter.name or "") or ()
    try:
        names = list_workflow_ids(find_project())
    except DataflowError:
        return []
    return [name for name in names if name.startswith(begun) and name not in given]
