"""The project's persistent Dagster instance: one run history for every way of running."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock

from dataflow.shared.errors import DataflowError
from dataflow.shared.importing import importing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster import DagsterInstance

    from dataflow.shared.project import Project

# In bytes. With less, it is the disk and not the store that needs mending.
_LEAST_ROOM = 1 << 20


class HistoryError(DataflowError):
    """Dagster's run history cannot be opened."""

    http_status = 503


def prepare_dagster_home(project: Project) -> Path:
    """Make the folder of Dagster's state, with the project's ``dagster.yaml`` in it.

    Dagster reads its settings from its state folder. The tracked file stays in the project's
    root, so that the state can be deleted without losing them.
    """
    home = project.dagster_home
    home.mkdir(exist_ok=True)
    link = home / "dagster.yaml"
    if (project.root / "dagster.yaml").exists() and not link.is_symlink():
        link.unlink(missing_ok=True)
        link.symlink_to("../dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


@contextmanager
def open_instance(project: Project) -> Iterator[DagsterInstance]:
    """Open the project's Dagster instance.

    Raises:
        HistoryError: The store or ``dagster.yaml`` cannot be read, or the store cannot be written
            while it is open.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import SQLAlchemyError

    from dataflow.runs.history_redaction import guard_history

    guard_history()
    project.dagster_home.mkdir(exist_ok=True)
    sync_less_often()
    # Two processes that meet a fresh home at once can leave half-made tables behind for good.
    with FileLock(project.dagster_home / "initialise.lock"):
        home = prepare_dagster_home(project)
        try:
            # Dagster imports its storage here.
            with importing():
                instance = DagsterInstance.from_config(str(home))
                instance.get_runs_count()
        except Exception as error:
            raise _history_fault(project, error) from error
    try:
        with instance:
            yield instance
    except SQLAlchemyError as error:
        # What the author's own code raises is Dagster's to catch: this is about the store.
        raise _history_fault(project, error) from error


def _history_fault(project: Project, error: Exception) -> HistoryError:
    home = project.relative(project.dagster_home)
    # The driver's own words, without the statement and its parameters.
    text = str(getattr(error, "orig", None) or error)
    # SQLite calls a full disk an I/O error where it is its shared memory that finds no room.
    is_full = shutil.disk_usage(project.dagster_home).free < _LEAST_ROOM
    if is_full or "full" in text or "No space left" in text:
        instruction = "Free disk space and run again."
    elif "readonly" in text or "unable to open" in text:
        instruction = f"Make {home} writable for whoever runs the workflow."
    else:
        instruction = (
            f"Mend dagster.yaml, or move {home} away: it is made anew, and only the history of "
            "runs is lost."
        )
    return HistoryError(f"Dagster's run history in {home} cannot be used: {text}", instruction)


def sync_less_often() -> None:
    """Let SQLite sync Dagster's history at checkpoints instead of at each event.

    A run writes a few hundred events, each in its own transaction. In WAL mode ``NORMAL`` stays
    consistent through a crash; a power cut can cost the last events of a run that it ended
    anyway (https://sqlite.org/pragma.html#pragma_synchronous).
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)


def _relax(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=NORMAL")
