"""What must not be updated now: folders whose state could not be brought back by git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.results import UpdateJob, UpdateStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow_tools.fleet.worktree import WorkTree


class UncommittedError(BadInputError):
    """Folders to update have changes that git does not have yet, so nothing could be undone."""


def recall_conflicts(jobs: list[UpdateJob], work_tree: WorkTree) -> None:
    """Say which workflows that are up to date still have conflicts of an earlier update."""
    for job in jobs:
        unmerged = work_tree.unmerged_in(job.instance.folder)
        if not job.instance.is_project and unmerged and job.outcome.status is UpdateStatus.CURRENT:
            job.outcome.fail(_open_conflicts(unmerged), UpdateStatus.CONFLICT)


def _open_conflicts(paths: Sequence[str]) -> DataflowError:
    return DataflowError(
        f"It has unresolved conflicts: {', '.join(paths)}.",
        "Resolve the conflicts (`git mergetool` works), `git add` the files, and commit.",
    )


def refuse_unsafe(
    jobs: list[UpdateJob], work_tree: WorkTree, *, named: bool, plan_only: bool
) -> list[UpdateJob]:
    """Set aside workflows with open conflicts; refuse the whole run for uncommitted changes.

    Args:
        named: Whether somebody named them; then open conflicts refuse the run, too.
        plan_only: Whether nothing is going to be written; then nothing is refused.

    Returns:
        The workflows that can be updated.

    Raises:
        UncommittedError: The run is refused; the error names the folders.
    """
    ready, dirty, open_conflicts = [], [], []
    for job in jobs:
        folder = job.instance.folder
        unmerged = work_tree.unmerged_in(folder)
        if job.instance.is_project:
            ready.append(job)
        elif unmerged:
            open_conflicts.append(job)
            job.outcome.fail(_open_conflicts(unmerged), UpdateStatus.SKIPPED)
        elif work_tree.changed_in(folder) or ANSWERS_FILE not in work_tree.tracked_in(folder):
            dirty.append(job)
            job.outcome.notes.append("has uncommitted changes; commit them before updating")
            if plan_only:
                ready.append(job)
        else:
            ready.append(job)
    if plan_only:
        return ready
    if dirty:
        raise UncommittedError(
            f"Uncommitted changes in {_listing(dirty)}. Nothing was updated.",
            "Commit or stash them and update again, or name other workflows.",
        )
    if open_conflicts and named:
        raise UncommittedError(
            f"Unresolved conflicts in {_listing(open_conflicts)}. Nothing was updated.",
            "Resolve them, `git add` the files, commit, and update again.",
        )
    return ready


def refuse_unsafe_project(jobs: list[UpdateJob], work_tree: WorkTree) -> None:
    """Refuse the run if the project's own files to update have uncommitted changes.

    Everything lies in the project's folder, so that only the plan can say which files count.

    Raises:
        UncommittedError: They have; the error names them.
    """
    for job in jobs:
        if job.instance.is_project:
            own = {change.path for change in job.outcome.changes}
            own |= {change.origin for change in job.outcome.changes if change.origin is not None}
            folder = job.instance.folder
            changed = own & {*work_tree.changed_in(folder), *work_tree.unmerged_in(folder)}
            if changed:
                raise UncommittedError(
                    f"Uncommitted changes in {', '.join(sorted(changed))}. Nothing was updated.",
                    "Commit or stash them and update again.",
                )


def _listing(jobs: list[UpdateJob]) -> str:
    names = [job.outcome.path for job in jobs[:10]]
    rest = len(jobs) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")
