"""What every command of a workflow's life refuses before it makes a plan."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.runs.lock import WorkflowBusyError, workflow_lock
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.recorded_id import righting_command
from dataflow.shared.upstream import is_workflow_folder
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import visible_warehouse
from dataflow.workflows.identifiers import check_workflow_id
from dataflow.workflows.registry import check_known
from dataflow_tools.fleet.worktree import WorkTree, read_work_tree
from dataflow_tools.lifecycle.references import declared_id
from dataflow_tools.scaffold.git import find_top

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dataflow.shared.project import Project


class UncommittedFilesError(BadInputError):
    """Files that would be rewritten have changes of somebody's that git does not have."""


def check_free(project: Project, name: str) -> None:
    """Refuse a name that no workflow may have, or that is taken.

    Raises:
        BadInputError: It is not allowed, a folder has it, or tables of an earlier workflow do.
    """
    check_workflow_id(name)
    folder = project.workflow_dir(name)
    if folder.exists() or folder.is_symlink():
        what = "a workflow" if is_workflow_folder(folder) else "a folder"
        raise BadInputError(
            f"There is {what} {name!r} already: {project.relative(folder)}.",
            "Choose another name, or remove that one first.",
        )
    check_no_tables(project, name)


def check_no_tables(project: Project, name: str) -> None:
    """Refuse a name under which an earlier workflow has left tables."""
    warehouse = visible_warehouse(project, name)
    if not isinstance(warehouse, DuckDBFile):
        if warehouse.exists():
            raise BadInputError(
                f"Tables of an earlier workflow {name!r} are there: {warehouse.location}.",
                "Choose another name, or remove them there; nothing here overwrites them.",
            )
        return
    file = warehouse.path
    if file.exists() or file.is_symlink():
        raise BadInputError(
            f"Tables of an earlier workflow {name!r} are there: {project.relative(file)}.",
            "Choose another name, or move that file away; nothing here overwrites it.",
        )


def check_folder(project: Project, name: str) -> Path:
    """The folder of a workflow that is there, and that is the project's to change.

    Raises:
        WorkflowNotFoundError: There is none; the nearest name is told.
        BadInputError: It is a link, a repository of its own, or was renamed by hand.
    """
    check_known(name, project)
    folder = project.workflow_dir(name)
    shown = project.relative(folder)
    if folder.is_symlink():
        raise BadInputError(
            f"{shown} is a link to {folder.readlink()}; nothing outside the project is touched.",
            "Put the folder itself where the link is.",
        )
    if (folder / ".git").exists():
        raise BadInputError(
            f"{shown} is a git repository of its own (a submodule).",
            "Take it out of its repository first, or change it there.",
        )
    declared = declared_id(folder)
    if declared != name:
        raise BadInputError(
            f"{shown} was renamed or copied by hand: its files are those of {declared!r}.",
            f"Put it right first: {righting_command(project, declared, name)}",
        )
    return folder


def check_committed(project: Project, paths: Iterable[Path]) -> bool:
    """Refuse to rewrite files with uncommitted changes: nobody could tell them apart afterwards.

    Files that git does not know yet are fine: there is nothing to compare them with.

    Returns:
        Whether the project is in a git repository.

    Raises:
        UncommittedFilesError: There are such files; the error names them.
    """
    top = find_top(project.root)
    if top is None:
        return False
    wanted = sorted({path.resolve() for path in paths})
    if not wanted:
        return True
    tree: WorkTree = read_work_tree(project.root, [project.root.resolve()])
    changed, unmerged = {*tree.changed}, {*tree.unmerged}
    dirty = []
    for path in wanted:
        name = path.relative_to(top).as_posix()
        if (name in changed and name in tree.tracked) or name in unmerged:
            dirty.append(project.relative(project.root / path.relative_to(project.root.resolve())))
    if dirty:
        more = f" and {len(dirty) - 10} more" if len(dirty) > 10 else ""
        raise UncommittedFilesError(
            f"These files would be rewritten and have uncommitted changes: "
            f"{', '.join(dirty[:10])}{more}. Nothing was written.",
            "Commit or stash them, then run this again.",
        )
    return True


@contextmanager
def held(project: Project, *names: str) -> Iterator[None]:
    """Hold workflows, so that no run begins meanwhile.

    Raises:
        WorkflowBusyError: A run is in progress.
    """
    if not names:
        yield
        return
    try:
        with workflow_lock(project, names[0], waits=False), held(project, *names[1:]):
            yield
    except WorkflowBusyError as error:
        raise _in_progress(error) from error


def _in_progress(error: DataflowError) -> WorkflowBusyError:
    return WorkflowBusyError(
        f"{error.reason.rstrip('.')}: a run is in progress. Nothing was changed.",
        "Wait for it to end or stop it, then run this again.",
    )
