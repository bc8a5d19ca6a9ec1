"""What must not be updated now: folders whose state could not be brought back by git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.plan import Action
from dataflow_tools.fleet.results import UpdateJob, UpdateStatus
from dataflow_tools.fleet.tree import read_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from dataflow_tools.fleet.plan import Change
    from dataflow_tools.fleet.worktree import WorkTree


# So many files are named of each workflow.
_MOST_NAMED = 5


class UncommittedError(BadInputError):
    """Folders to update have changes that git does not have yet, so nothing could be undone.

    Why: An update changes files, and git is how it is undone: what git does not have would be
    lost.

    What to do: Commit or stash the changes, then update. With `--all` the other workflows are
    updated.
    """


def recall_conflicts(jobs: list[UpdateJob], work_tree: WorkTree) -> None:
    """Say which workflows that are up to date still have conflicts of an earlier update."""
    for job in jobs:
        if job.instance.is_project or job.outcome.status is not UpdateStatus.CURRENT:
            continue
        if unmerged := work_tree.unmerged_in(job.instance.folder):
            job.outcome.fail(_open_conflicts(unmerged), UpdateStatus.CONFLICT)
        elif marked := work_tree.marked_in(job.instance.folder):
            # A file may be about such markers, so that it is for a person to judge.
            job.outcome.notes.append(committed_markers(marked).reason)


def committed_markers(paths: Sequence[str]) -> DataflowError:
    """What to say of files that were committed with conflict markers in them."""
    return DataflowError(
        f"It has conflict markers that were committed: {', '.join(paths)}.",
        "Choose a side in each place between `<<<<<<<` and `>>>>>>>`, take the markers out, and "
        "commit.",
    )


def _open_conflicts(paths: Sequence[str]) -> DataflowError:
    return DataflowError(
        f"It has unresolved conflicts: {', '.join(paths)}.",
        "Resolve the conflicts (`git mergetool` works), `git add` the files, and commit.",
    )


def refuse_unsafe(
    jobs: list[UpdateJob], work_tree: WorkTree, *, named: bool, plan_only: bool
) -> list[UpdateJob]:
    """Set aside workflows with open conflicts and with changes that git does not have.

    Args:
        named: Whether somebody named them; then they refuse the run.
        plan_only: Whether nothing is going to be written; then nothing is refused.

    Returns:
        The workflows that can be updated.

    Raises:
        UncommittedError: The run is refused; the error names the folders.
    """
    ready, open_conflicts = [], []
    dirty: dict[str, list[str]] = {}
    for job in jobs:
        folder = job.instance.folder
        unmerged = work_tree.unmerged_in(folder)
        if job.instance.is_project:
            ready.append(job)
        elif unmerged:
            open_conflicts.append(job)
            job.outcome.fail(_open_conflicts(unmerged), UpdateStatus.SKIPPED)
        elif changed := work_tree.changed_in(folder):
            dirty[job.instance.name] = changed
        elif ANSWERS_FILE not in work_tree.tracked_in(folder):
            dirty[job.instance.name] = [ANSWERS_FILE]
        else:
            ready.append(job)
    if plan_only:
        return [job for job in jobs if job in ready or _is_noted(job, dirty)]
    if open_conflicts and named:
        raise UncommittedError(
            f"Unresolved conflicts in {_listing(open_conflicts)}. Nothing was updated.",
            "Resolve them, `git add` the files, commit, and update again.",
        )
    _set_aside([job for job in jobs if job.instance.name in dirty], dirty, named=named)
    return ready


def refuse_lost(
    jobs: list[UpdateJob], work_tree: WorkTree, *, named: bool, plan_only: bool
) -> list[UpdateJob]:
    """Set aside workflows of which the plan would change a file that git does not have as it is.

    Only the plan can say which files count: a new file that the update does not come near, stays.
    Of the project, in whose folder everything lies, only the files in the plan count at all.

    Returns:
        The workflows that can be updated.

    Raises:
        UncommittedError: The run is refused; the error names what git does not have.
    """
    dirty: dict[str, list[str]] = {}
    unseen = set()
    for job in jobs if plan_only else _without_markers(jobs, work_tree, named=named):
        folder = job.instance.folder
        changes = [change for change in job.outcome.changes if _writes(change)]
        touched = {change.path: change.before for change in changes}
        for change in changes:
            if change.origin is not None:
                touched.setdefault(change.origin, read_entry(folder / change.origin))
        found = work_tree.untracked_among(folder, touched)
        if job.instance.is_project:
            found |= touched.keys() & {
                *work_tree.changed_in(folder),
                *work_tree.unmerged_in(folder),
            }
        there = {
            work_tree.path(folder, path): entry
            for path, entry in touched.items()
            if entry is not None
        }
        hidden = {*work_tree.lacking(there)}
        hidden = {path for path in touched if work_tree.path(folder, path) in hidden} - found
        if hidden:
            unseen.add(job.instance.name)
        found |= hidden
        if found:
            dirty[job.instance.name] = sorted(found)
    if plan_only:
        for job in jobs:
            _is_noted(job, dirty)
        return jobs
    for job in jobs:
        if job.instance.is_project and job.instance.name in dirty:
            raise UncommittedError(
                f"Uncommitted changes in {', '.join(dirty[job.instance.name])}. "
                "Nothing was updated.",
                _remedy(unseen=True)
                if job.instance.name in unseen
                else "Commit or stash them and update again.",
            )
    aside = [job for job in jobs if job.instance.name in dirty]
    _set_aside(aside, dirty, named=named, unseen=unseen)
    return [
        job
        for job in jobs
        if job.instance.name not in dirty and job.outcome.status is not UpdateStatus.SKIPPED
    ]


def _without_markers(jobs: list[UpdateJob], work_tree: WorkTree, *, named: bool) -> list[UpdateJob]:
    """Set aside workflows of which the plan would merge into a file with markers in it.

    Raises:
        UncommittedError: It is the project, or somebody named the workflow.
    """
    sound = []
    for job in jobs:
        touched = {change.path: change.before for change in job.outcome.changes if _writes(change)}
        marked = work_tree.marked_among(job.instance.folder, touched)
        error = committed_markers(marked)
        if not marked:
            sound.append(job)
        elif named or job.instance.is_project:
            reason = f"{job.outcome.path}: {error.reason} Nothing was updated."
            raise UncommittedError(reason, error.instruction)
        else:
            job.outcome.fail(error, UpdateStatus.SKIPPED)
    return sound


def _writes(change: Change) -> bool:
    """Whether a change writes a file, or would but for a file that git does not have."""
    aside = change.action is Action.KEPT_IGNORED
    return change.before != change.after or change.action.is_conflict or aside


def _is_noted(job: UpdateJob, dirty: Mapping[str, list[str]]) -> bool:
    if job.instance.name not in dirty:
        return False
    note = "has uncommitted changes; commit them before updating"
    if note not in job.outcome.notes:
        job.outcome.notes.append(note)
    return True


def _set_aside(
    jobs: list[UpdateJob],
    dirty: Mapping[str, list[str]],
    *,
    named: bool,
    unseen: Collection[str] = (),
) -> None:
    """Leave out workflows whose work git does not have, or refuse those that somebody named.

    Args:
        dirty: The files of each workflow that git does not have as they are.
        unseen: The workflows of which git does not show that.
    """
    if jobs and named:
        raise UncommittedError(
            f"Uncommitted changes in {_listing(jobs)}. Nothing was updated.",
            _remedy(unseen=True)
            if unseen
            else "Commit or stash them and update again, or name other workflows.",
        )
    for job in jobs:
        paths = dirty[job.instance.name]
        more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
        job.outcome.fail(
            UncommittedError(
                f"Git does not have {', '.join(paths[:_MOST_NAMED])}{more} as it is now.",
                _remedy(unseen=job.instance.name in unseen),
            ),
            UpdateStatus.SKIPPED,
        )


def _remedy(*, unseen: bool) -> str:
    if not unseen:
        return "Commit or stash it, then run the update again."
    return (
        "`git status` does not show it, since git was told to overlook it (`git ls-files -v` shows "
        "such files in small letters or with an S). End that with `git update-index "
        "--no-assume-unchanged --no-skip-worktree FILE`, commit it, and run the update again."
    )


def _listing(jobs: list[UpdateJob]) -> str:
    names = [job.outcome.path for job in jobs[:10]]
    rest = len(jobs) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")
