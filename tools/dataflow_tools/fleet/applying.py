"""Carry out the plan for one workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.answers import ANSWERS_FILE
from dataflow_tools.fleet.journal import Move, replace_files
from dataflow_tools.fleet.tree import read_entry
from dataflow_tools.fleet.worktree import mark_conflicts
from dataflow_tools.scaffold.git import GitError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.fleet.instance import Instance
    from dataflow_tools.fleet.results import Outcome
    from dataflow_tools.fleet.worktree import WorkTree


class ApplyError(DataflowError):
    """A planned change could not be made; the workflow is as it was."""


def journal_folder(project: Project) -> Path:
    """Where half-done updates are remembered, on the workflows' file system.

    It is in the project's state folder, unless that is a file system of its own, from which
    files cannot be moved into place in one step.
    """
    state = project.state_dir
    nearest = next(folder for folder in (state, *state.parents) if folder.exists())
    workflows = project.workflows_dir
    if workflows.is_dir() and nearest.stat().st_dev != workflows.stat().st_dev:
        return workflows / ".update"
    return state / "update"


def apply_outcome(state: Path, instance: Instance, outcome: Outcome, work_tree: WorkTree) -> None:
    """Change a workflow's files as planned: all of them, or none.

    Args:
        state: The project's `journal_folder`.
        instance: The workflow.
        outcome: The plan.
        work_tree: Git's view of the workflow's folder.

    Raises:
        ApplyError: A file changed since it was planned, or cannot be written.
    """
    changes = sorted(outcome.changes, key=lambda change: change.path == ANSWERS_FILE)
    moves = [
        Move(change.path, change.before, change.after)
        for change in changes
        if change.before != change.after
    ]
    for change in changes:
        if read_entry(instance.folder / change.path) != change.before:
            raise ApplyError(
                f"{change.path} changed while the update was being planned. Nothing was written.",
                f"Commit your change and run `{instance.command}` again.",
            )
    folder = instance.folder
    marks = []
    for change in changes:
        if change.stages is not None:
            known = work_tree.tracked.get(work_tree.path(folder, change.origin or change.path))
            sha = known.sha if known is not None else None
            marks.append((work_tree.path(folder, change.path), change.stages, sha))
    room = state / instance.name
    index = mark_conflicts(work_tree.top, marks) if marks else b""
    try:
        replace_files(room, folder, moves, index, work_tree.top)
    except OSError as error:
        raise ApplyError(
            f"{error.filename or instance.folder}: {error.strerror}. Nothing was changed.",
            "Check that the folder can be written and that the disk has room; then run it again.",
        ) from error
    except GitError as error:
        raise ApplyError(
            f"The files are updated, but git could not be told of the conflicts. {error.reason}",
            "Run `dataflow workflow update --all` again to finish it.",
        ) from error
