"""One run of a workflow at a time, across processes."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dataflow.shared.project import Project


class LockError(DataflowError):
    """A workflow's lock cannot be written.

    Why: Each run locks a file in the project's state folder, and that cannot be written:
    another user owns it, the disk is full, or the folder is mounted to be read only.

    What to do: Make the folder writable for whoever runs the workflow, and run again.
    """


class WorkflowBusyError(DataflowError):
    """Another run of the same workflow did not end in time.

    Why: A workflow has one run at a time, on all machines that share its history: two that
    write the same tables would undo each other. A run that was killed holds nothing.

    What to do: Wait, or end the other run. `when_busy = 'wait'` under `[tool.dataflow]` lets
    runs of the service queue instead.
    """

    http_status = 409


class WorkflowGoneError(DataflowError):
    """The workflow got another name, or was removed, while something waited for it.

    Why: A rename and a removal hold the workflow as a run does. What waited for them was begun
    for a workflow that is no more, and would make tables and dashboards under its old name.

    What to do: Begin anew with the name that it has now: `dataflow workflow list`.
    """

    http_status = 409


@contextmanager
def workflow_lock(
    project: Project,
    workflow_id: str,
    on_wait: Callable[[str], None] | None = None,
    run_id: str = "",
    *,
    waits: bool = True,
) -> Iterator[None]:
    """Hold a workflow for this process, so that no other run touches its tables.

    Within one process the lock can be taken again by who holds it. It is the operating system's,
    or with a history in Postgres one of that server for all hosts: a process that dies gives it
    back.

    Args:
        project: The project; its setting ``lock_timeout_seconds`` says how long to wait.
        on_wait: Called once with the holder's description before waiting.
        run_id: The run that it is held for, from its first step to its end.
        waits: Whether to wait at all for the other run.

    Raises:
        WorkflowBusyError: The other run did not end in time; the error names it.
        WorkflowGoneError: The workflow's folder went away in the meantime.
        LockError: The lock cannot be written.
        HistoryError: The history's Postgres, which has the lock, does not answer.
    """
    folder = project.workflow_dir(workflow_id)
    was_there = folder.is_dir()
    kind = _shared_lock if project.settings.history else _file_lock
    with kind(project, workflow_id, on_wait, run_id, waits=waits):
        if was_there and not folder.is_dir():
            raise WorkflowGoneError(
                f"The workflow {workflow_id!r} was renamed or removed while this waited for it. "
                "Nothing was done.",
                "See what it is called now: dataflow workflow list",
            )
        yield


@contextmanager
def _file_lock(
    project: Project,
    workflow_id: str,
    on_wait: Callable[[str], None] | None,
    run_id: str,
    *,
    waits: bool,
) -> Iterator[None]:
    holder = _holder(project, workflow_id)
    with _writing(holder):
        holder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(holder.with_suffix(".lock"), is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if on_wait is not None:
            on_wait(_describe(holder))
        try:
            lock.acquire(timeout=project.settings.lock_timeout_seconds if waits else 0)
        except Timeout:
            raise _busy(workflow_id, _describe(holder)) from None
    try:
        me = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now(), "run": run_id}
        with _writing(holder):
            holder.write_text(json.dumps(me), encoding="utf-8")
        yield
    finally:
        lock.release()


@contextmanager
def _shared_lock(
    project: Project,
    workflow_id: str,
    on_wait: Callable[[str], None] | None,
    run_id: str,
    *,
    waits: bool,
) -> Iterator[None]:
    from dataflow.runs.postgres_lock import SharedLock

    lock = SharedLock(project, _shared_name(project, workflow_id))
    if not lock.acquire(0, run_id):
        if on_wait is not None:
            on_wait(str(lock.holder() or "another process"))
        if not lock.acquire(project.settings.lock_timeout_seconds if waits else 0, run_id):
            raise _busy(workflow_id, str(lock.holder() or "another process"))
    try:
        yield
    finally:
        lock.release()


def confirm_lock(project: Project, workflow_id: str) -> None:
    """Look, before anything is made visible, whether the workflow is still held by this process.

    A lock of the operating system cannot be lost; one of a server can, with the connection.

    Raises:
        LockLostError: It is not.
    """
    if project.settings.history:
        from dataflow.runs.postgres_lock import SharedLock

        SharedLock(project, _shared_name(project, workflow_id)).confirm()


@contextmanager
def alive(project: Project, run_id: str) -> Iterator[None]:
    """Let every host see, for as long as this process executes a run, that it does.

    Raises:
        HistoryError: The history's Postgres does not answer.
    """
    if not project.settings.history:
        yield
        return
    from dataflow.runs.postgres_lock import running

    with running(project, run_id):
        yield


def lost_process(project: Project, run_id: str) -> str:
    """The process that executed a run and is gone, on whichever host; empty if none is known.

    Only a history that hosts share tells: without one a process is looked for on this machine.

    Raises:
        HistoryError: The history's Postgres does not answer.
    """
    if not project.settings.history:
        return ""
    from dataflow.runs.postgres_lock import lost_holder

    holder = lost_holder(project, run_id)
    return f"process {holder.pid} on {holder.host}" if holder else ""


def _busy(workflow_id: str, holder: str) -> WorkflowBusyError:
    return WorkflowBusyError(
        f"The workflow {workflow_id!r} is in use by {holder}.",
        "Wait for that run to end or stop it; DATAFLOW_LOCK_TIMEOUT_SECONDS sets how long a run "
        "waits.",
    )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise LockError(
            f"The lock {path} cannot be written: {error.strerror}.",
            "Free disk space and run again."
            if is_full
            else "Make that folder writable for whoever runs the workflow.",
        ) from error


def is_held_for(project: Project, workflow_id: str, run_id: str) -> bool:
    """Whether a process holds the workflow for all of a run, and will see to its end.

    Asked by a step of the run that executes in another process.
    """
    if project.settings.history:
        from dataflow.runs.postgres_lock import SharedLock

        known_holder = SharedLock(project, _shared_name(project, workflow_id)).holder()
        return known_holder is not None and known_holder.run == run_id
    try:
        known = json.loads(_holder(project, workflow_id).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(known.get("run") == run_id)


def _holder(project: Project, workflow_id: str) -> Path:
    return project.state_dir / "locks" / f"{workflow_id}.json"


def _shared_name(project: Project, workflow_id: str) -> str:
    """What the lock is called in a history that several environments may share."""
    of_environment = f" in {project.environment_apart}" if project.environment_apart else ""
    return f"workflow {workflow_id}{of_environment}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _describe(holder: Path) -> str:
    try:
        known = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {known['pid']} on {known['host']} since {known['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
