"""Dagster's history in SQLite files, each of which a process opens once.

Dagster opens a file for every event, looks into forty migration scripts when it meets one first,
and makes the nineteen tables of each new run one by one: an eighth of what a small run takes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import weakref
from collections import OrderedDict
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from dataflow.runs.dagster_names import JOB_VARIABLE, SERVICE_VARIABLE
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster._core.event_api import EventHandlerFn
    from sqlalchemy.engine import Connection, Engine

log = get_logger(__name__)

# A process writes one run; a webserver reads those that people look at.
_MOST_OPEN = 4
# Of one file, kept by a process with many threads.
_POOL: dict[str, Any] = {"pool_size": 2, "max_overflow": -1}
# One, for who sees to it that only one thread at a time uses it.
_SINGLE: dict[str, Any] = {
    "poolclass": StaticPool,
    "connect_args": {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
}


class OpenedOnceStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite files, with connections that are kept."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        for folder in (_runs_directory, _event_logs_directory, _schedule_directory):
            Path(folder(base_dir)).mkdir(parents=True, exist_ok=True)
        self.base_dir = base_dir
        # Services of a new project start side by side: one of them makes the tables, the others
        # find them. Dagster looks first and makes them after, and the slower process ends.
        with FileLock(Path(base_dir, ".tables.lock")):
            self._run_storage = _Runs.from_local(_runs_directory(base_dir))
            self._event_log_storage = _Events(_event_logs_directory(base_dir))
            self._schedule_storage = _Schedules.from_local(_schedule_directory(base_dir))
        self._inst_data = inst_data


class _Opened(NamedTuple):
    """A file that is open, and what it and the log beside it were when they were looked at."""

    inode: int | None
    log: int | None
    engine: Engine


class _Engines:
    """The files that a process has open: the few that it used last."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._open: OrderedDict[str, _Opened] = OrderedDict()
        _all.add(self)

    def of(self, address: str, path: str) -> Engine:
        """The engine of a file; a new one if another file has taken its place, or that of its log.

        What is written lies in the log beside the file at first. While a process has both open
        nobody may delete the log; where somebody has, this process and others would each go on
        with another one, and not see what the other writes. A service ends then.
        """
        inode, beside = _inode(path), _inode(f"{path}-wal")
        known = self._open.pop(address, None)
        if known is not None and known.inode is not None and known.inode != inode:
            known.engine.dispose()
            known = None
        if known is not None and known.log is not None and known.log != beside:
            _tell_of_lost_log(known.engine, is_gone=beside is None)
        engine = known.engine if known else create_engine(address, **self._settings)
        self._open[address] = _Opened(inode, beside if known else None, engine)
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)[1].engine.dispose()
        return engine

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].engine.dispose()

    def forget(self) -> None:
        """Leave a parent's connections alone: in its child they must be neither used nor closed."""
        _left_to_parents.append(self._open)
        self._open = OrderedDict()


_all: weakref.WeakSet[_Engines] = weakref.WeakSet()
_left_to_parents: list[Any] = []


def _tell_of_lost_log(engine: Engine, *, is_gone: bool) -> None:
    """Save what only the deleted log has, if nobody was first, and let a service begin anew.

    SQLite has no way to open the file anew beside the log that this process still has.
    """
    if is_gone:
        with suppress(SQLAlchemyError), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    is_service = SERVICE_VARIABLE in os.environ and JOB_VARIABLE not in os.environ
    log.error(
        f"The log of {engine.url.database} was deleted while it was open.",
        what="this process ends and is started again" if is_service else "it is not seen by others",
    )
    if is_service:
        # Not in an orderly way, in which SQLite would write over what others have written since.
        os.kill(os.getpid(), signal.SIGKILL)


def _forget_all() -> None:
    for engines in _all:
        engines.forget()


os.register_at_fork(after_in_child=_forget_all)


class _OneFile:
    """For storages in one file: that one is open."""

    _conn_string: str
    _engines: _Engines | None = None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        if self._engines is None:
            self._engines = _Engines(_POOL)
        path = self._conn_string.removeprefix("sqlite:///").partition("?")[0]
        engine = self._engines.of(self._conn_string, path)
        with engine.connect() as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        if self._engines is not None:
            self._engines.close()


class _Runs(_OneFile, SqliteRunStorage):
    @classmethod
    def from_local(cls, base_dir: str, inst_data: Any = None) -> Any:
        if _is_initialised(Path(base_dir, "runs.db"), "instance_info"):
            return cls(create_db_conn_string(base_dir, "runs"), inst_data)
        return super().from_local(base_dir, inst_data)


class _Schedules(_OneFile, SqliteScheduleStorage):
    @classmethod
    def from_local(cls, base_dir: str, inst_data: Any = None) -> Any:
        if _is_initialised(Path(base_dir, "schedules.db"), "job_ticks"):
            return cls(create_db_conn_string(base_dir, "schedules"), inst_data)
        return super().from_local(base_dir, inst_data)


class _Events(SqliteEventLogStorage):
    """A file for each run, and one for all."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines = _Engines(_SINGLE)
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            path = self.path_for_shard(shard)
            if not os.path.exists(path):  # noqa: PTH110 - asked often
                self._initialized_dbs.discard(shard)
                if shard != INDEX_SHARD_NAME:
                    _copy_empty(self, path)
            engine = self._engines.of(self.conn_string_for_shard(shard), path)
            if shard not in self._initialized_dbs:
                if not _is_initialised(Path(path), "event_logs"):
                    self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def wipe(self) -> None:
        self._engines.close()
        super().wipe()

    def dispose(self) -> None:
        with self._db_lock:
            self._engines.close()
        super().dispose()

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        super().watch(run_id, cursor, callback)
        # A file that stays open is written to beside it, until SQLite brings both together.
        watchdog, _ = self._watchers[run_id][callback]
        watchdog.__class__ = _Watchdog
        watchdog._patterns = [*watchdog._patterns, f"{watchdog._log_path}-wal"]


class _Watchdog(SqliteEventLogStorageWatchdog):
    def on_modified(self, event: object) -> None:  # noqa: ARG002
        self._process_log()


def _copy_empty(storage: SqliteEventLogStorage, path: str) -> None:
    """Make the file of a new run as a copy of an empty one that Dagster has made."""
    folder = Path(path).parent
    empty = folder / f"empty-{dagster.__version__}"
    aside = folder / f"new.{os.getpid()}"
    try:
        if not empty.exists():
            engine = create_engine(f"sqlite:///{aside}", **_SINGLE)
            storage._initdb(engine)
            # Its last connection closes: everything is in the one file.
            engine.dispose()
            aside.replace(empty)
        shutil.copyfile(empty, aside)
        # Another process may have made it meanwhile, and written to it.
        os.link(aside, path)
    except OSError:
        # Whatever is the matter, Dagster meets it as well, and says so.
        return
    finally:
        with suppress(OSError):
            aside.unlink()


def _is_initialised(path: Path, table: str) -> bool:
    """Whether Dagster has made a file's tables, and the note that it leaves when it has."""
    if not path.exists():
        return False
    question = "SELECT (SELECT count(*) FROM alembic_version), count(*) FROM sqlite_master "
    try:
        connection = sqlite3.connect(path, timeout=SQLITE_BUSY_TIMEOUT_SECONDS)
        try:
            row = connection.execute(question + "WHERE name = ?", (table,)).fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return False
    return bool(row[0] and row[1])


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - asked often
    except OSError:
        return None
