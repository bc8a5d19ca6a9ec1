"""Carry out the plans, one workflow after the other; each is changed completely or not at all."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.fleet.journal import Move, replace_files
from dataflow_tools.fleet.results import (
    STOPPED,
    UpdateJob,
    UpdateOutcome,
    UpdateReport,
    UpdateStatus,
)
from dataflow_tools.fleet.tree import read_entry, way_out
from dataflow_tools.fleet.workflow_health import check_workflow
from dataflow_tools.fleet.worktree import mark_conflicts
from dataflow_tools.scaffold.git import GitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dataflow.shared.project import Project
    from dataflow_tools.fleet.template_instance import Instance
    from dataflow_tools.fleet.worktree import WorkTree

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ApplyError(DataflowError):
    """A planned change could not be made; the workflow is as it was.

    Why: All files of a change are prepared before the first is replaced; one of them could not
    be, so that all are as before.

    What to do: Free the disk, or make the file writable, then run the same command again.
    """


def apply_all(
    project: Project,
    jobs: list[UpdateJob],
    work_tree: WorkTree,
    report: UpdateReport,
    progress: Callable[[str], None],
    *,
    check: bool,
    first: int,
) -> None:
    """Change all workflows as planned, until somebody presses Ctrl-C.

    Args:
        work_tree: Git's view of the workflows' folders.
        report: Told what concerns the run as a whole.
        check: Check each workflow after its update.
        first: Check this many first, and leave the rest alone if they are not well.
    """
    state = journal_folder(project)
    with _told_to_stop() as stop:
        for number, job in enumerate(jobs, start=1):
            outcome = job.outcome
            if stop.is_set():
                report.interrupted = True
                _leave_out(outcome, STOPPED)
                continue
            if number > first > 0 and not _all_well(jobs[:first]):
                if number == first + 1:
                    report.notes.append("The rest was left alone, since the first did not pass.")
                _leave_out(outcome, f"The first {first} did not pass.")
                continue
            progress(f"updating {number} of {len(jobs)}: {outcome.workflow_id}")
            try:
                apply_outcome(state, job.instance, outcome, work_tree)
            except DataflowError as error:
                outcome.fail(error)
                continue
            wanted = check or number <= first
            if wanted and outcome.status is UpdateStatus.UPDATED and not job.instance.is_project:
                progress(f"checking {number} of {len(jobs)}: {outcome.workflow_id}")
                outcome.checked, words = check_workflow(project, outcome.workflow_id)
                outcome.is_unchecked = outcome.checked is None
                outcome.notes += words
        report.interrupted = report.interrupted or stop.is_set()


def _all_well(jobs: list[UpdateJob]) -> bool:
    return all(
        job.outcome.status is not UpdateStatus.FAILED
        and job.outcome.checked is not False
        and not job.outcome.is_unchecked
        for job in jobs
    )


def _leave_out(outcome: UpdateOutcome, reason: str) -> None:
    outcome.fail(DataflowError(reason, "Run the same command again."), UpdateStatus.SKIPPED)


def journal_folder(project: Project) -> Path:
    """Where half-done updates are remembered, on the workflows' file system.

    It is in the project's state folder, unless that is a file system of its own, from which
    files cannot be moved into place in one step.
    """
    state = project.files_dir
    nearest = next(folder for folder in (state, *state.parents) if folder.exists())
    workflows = project.workflows_dir
    if workflows.is_dir() and nearest.stat().st_dev != workflows.stat().st_dev:
        return workflows / ".update"
    return state / "update"


def apply_outcome(
    state: Path, instance: Instance, outcome: UpdateOutcome, work_tree: WorkTree
) -> None:
    """Change a workflow's files as planned: all of them, or none.

    Args:
        state: The project's `journal_folder`.

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
        if change.before is None and change.after is None:
            continue
        there = read_entry(instance.folder / change.path)
        moved = change.before is not None and way_out(instance.folder, change.path) is not None
        if there != change.before or moved:
            raise ApplyError(
                f"{change.path} changed while the update was being planned. Nothing was written.",
                f"Commit your change and run `{instance.command}` again.",
            )
    folder = instance.folder
    marks = []
    for change in changes:
        if change.stages is not None:
            sha = work_tree.tracked.get(work_tree.path(folder, change.origin or change.path))
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


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    """Turn Ctrl-C and the request to terminate into an event while the context is open.

    Outside the main thread, where Python delivers no signals, it is never set.
    """
    stop = Event()
    numbers = _SIGNALS if current_thread() is main_thread() else ()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
