"""Locks that hosts share: advisory locks of the history's Postgres.

Each process has one connection of its own for them. A lock is the session's: it ends with the
connection, so a process that is killed, or a host that is lost, gives its locks back. Who holds one
is written into a small table, for people to be told.

A run holds two locks: that of its workflow, and from before it waits for that one, its own. Whoever
finds a run under way whose own lock nobody holds knows that its process is gone, wherever that was.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dataflow.runs.postgres_history import (
    SECONDS_TO_CONNECT,
    HistoryError,
    connect,
    history_address,
    postgres_fault,
)
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812

    from dataflow.shared.project import Project

_TABLE = """
CREATE TABLE IF NOT EXISTS dataflow_locks (
    key bigint PRIMARY KEY, project text NOT NULL, name text NOT NULL, run text NOT NULL,
    pid integer NOT NULL, host text NOT NULL, since timestamptz NOT NULL
)
"""
_NOTE = """
INSERT INTO dataflow_locks VALUES (%s, %s, %s, %s, %s, %s, now())
ON CONFLICT (key) DO UPDATE SET run = excluded.run, pid = excluded.pid, host = excluded.host,
    since = excluded.since
"""
# An advisory lock of one bigint, as Postgres lists it.
_IS_HELD = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND ((classid::bigint << 32) | objid::bigint) = %s
"""
# A server that ends idle sessions would end the locks of a long step; one whose client's host is
# gone has to find that out soon.
_SESSION = """
SELECT set_config(name, value, false) FROM (VALUES
    ('idle_session_timeout', '0'), ('tcp_keepalives_idle', '10'),
    ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
) AS wanted (name, value) WHERE name IN (SELECT name FROM pg_settings)
"""
# Two that make it at once may both find that there is none.
_MAKE_TABLE = (
    "SELECT pg_advisory_lock(hashtext('dataflow_locks'))",
    _TABLE,
    "SELECT pg_advisory_unlock(hashtext('dataflow_locks'))",
)
_WAIT_AT_MOST = "SELECT set_config('lock_timeout', %s, false)"
_LOCK_NOT_AVAILABLE = "55P03"


class LockLostError(DataflowError):
    """The connection that held a workflow's lock has ended while the run worked.

    Why: Hosts that share a history lock a workflow by a connection to its Postgres. A restart
    of the database, the network or a proxy that does not keep sessions has ended it, so that
    another run may have begun.

    What to do: Run the workflow again; the tables are those of the last good run. `dataflow env
    check` finds out whether a proxy keeps sessions.
    """


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, as it has said itself."""

    pid: int
    host: str
    since: str
    run: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


@dataclass
class _Session:
    """The connection of this process, with how often each lock is held on it."""

    address: str
    connection: Connection
    pid: int
    held: dict[int, int] = field(default_factory=dict)

    def ask(self, sql: str, *parameters: Any) -> list[Any]:
        import psycopg2

        try:
            cursor = self.connection.cursor()
            cursor.execute(sql, parameters)
            _wait(self.connection)
            return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            raise postgres_fault(self.address, error) from error
        except BaseException:
            # Interrupted while it waits: what the server answers now is nobody's any more.
            self.close()
            raise

    def close_if_unused(self) -> None:
        if not self.held:
            self.close()

    def close(self) -> None:
        if _sessions.get(self.address) is self:
            del _sessions[self.address]
        self.connection.close()


# Connections that a fork has copied: to be neither used nor closed here.
_left_to_parents: list[Any] = []
_sessions: dict[str, _Session] = {}
_guard = threading.RLock()


class SharedLock:
    """One lock of a project, by name.

    Args:
        name: What is held, such as ``workflow sales`` or ``run <id>``.
    """

    def __init__(self, project: Project, name: str) -> None:
        self._address = history_address(project)
        self._project, self._name = project.name, name
        digest = sha256(f"dataflow\0{project.name}\0{name}".encode()).digest()
        self.key = int.from_bytes(digest[:8], "big", signed=True)

    def acquire(self, seconds: float, run_id: str = "") -> bool:
        """Take the lock, waiting at most so long for who has it; whether it is ours now.

        Within one process it can be taken again by who holds it.

        Raises:
            HistoryError: The Postgres does not answer.
        """
        with _guard:
            session = _session(self._address)
            if self.key in session.held:
                session.held[self.key] += 1
                return True
            # Before it is: a connection that holds nothing is closed after each question.
            session.held[self.key] = 1
            is_taken = False
            try:
                is_taken = self._take(seconds)
            finally:
                if not is_taken:
                    del session.held[self.key]
                    session.close_if_unused()
        if not is_taken:
            return False
        me = (self._project, self._name, run_id, os.getpid(), socket.gethostname())
        self._ask(_NOTE, self.key, *me)
        return True

    def _take(self, seconds: float) -> bool:
        [[taken]] = self._ask("SELECT pg_try_advisory_lock(%s)", self.key)
        if taken or seconds <= 0:
            return bool(taken)
        self._ask(_WAIT_AT_MOST, f"{seconds}s")
        is_ours = True
        try:
            self._ask("SELECT pg_advisory_lock(%s)", self.key)
        except HistoryError as error:
            if getattr(error.__cause__, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
            is_ours = False
        self._ask(_WAIT_AT_MOST, "0")
        return is_ours

    def release(self) -> None:
        """Give the lock back; it is back in any case if the connection has ended."""
        with _guard:
            session = _sessions.get(self._address)
            if session is None or self.key not in session.held:
                return
            session.held[self.key] -= 1
            if session.held[self.key]:
                return
            del session.held[self.key]
        with suppress(DataflowError):
            self._ask("DELETE FROM dataflow_locks WHERE key = %s", self.key)
            self._ask("SELECT pg_advisory_unlock(%s)", self.key)

    def confirm(self) -> None:
        """Say so if the lock is not this process's any more.

        Raises:
            LockLostError: The connection has ended, or the server has given the lock away.
        """
        with _guard:
            session = _sessions.get(self._address)
        is_ours = False
        if session is not None and self.key in session.held:
            with suppress(DataflowError):
                [[count]] = self._ask(f"{_IS_HELD} AND pid = pg_backend_pid()", self.key)
                is_ours = bool(count)
        if not is_ours:
            raise LockLostError(
                f"The connection to the history's Postgres that held {self._name} was lost while "
                "the run worked: another run may have begun.",
                "Nothing was made visible. Run the workflow again; a proxy between the two must "
                "keep sessions (pgbouncer: pool_mode = session).",
            )

    def is_held(self) -> bool:
        """Whether any process, on whichever host, holds it."""
        [[count]] = self._ask(_IS_HELD, self.key)
        return bool(count)

    def holder(self) -> Holder | None:
        """Who holds it, or held it last without giving it back; None if nobody has said so."""
        rows = self._ask(
            "SELECT pid, host, since, run FROM dataflow_locks WHERE key = %s", self.key
        )
        return next(
            (
                Holder(pid, host, since.isoformat(timespec="seconds"), run)
                for pid, host, since, run in rows
            ),
            None,
        )

    def forget(self) -> None:
        """Take out the note of a holder that is gone."""
        self._ask("DELETE FROM dataflow_locks WHERE key = %s", self.key)

    def _ask(self, sql: str, *parameters: Any) -> list[Any]:
        with _guard:
            session = _session(self._address)
            try:
                return session.ask(sql, *parameters)
            finally:
                session.close_if_unused()


@contextmanager
def running(project: Project, run_id: str) -> Iterator[None]:
    """Hold a run's own lock for as long as this process executes it."""
    lock = SharedLock(project, f"run {run_id}")
    lock.acquire(0, run_id)
    try:
        yield
    finally:
        lock.release()


def lost_holder(project: Project, run_id: str) -> Holder | None:
    """The process that executed a run and is gone, if the run said which that was."""
    lock = SharedLock(project, f"run {run_id}")
    # In this order: who gives a lock back takes the note out first; who takes one notes it last.
    if lock.holder() is None or lock.is_held():
        return None
    return lock.holder()


def _session(address: str) -> _Session:
    """This process's connection for locks; one that a parent has opened is left to it."""
    known = _sessions.get(address)
    if known is not None and known.pid == os.getpid():
        return known
    # One that does not block, so that who waits for a lock can be interrupted.
    connection = connect(address, async_=1)
    session = _Session(address, connection, os.getpid())
    import psycopg2

    try:
        _wait(connection, SECONDS_TO_CONNECT)
    except psycopg2.Error as error:
        raise postgres_fault(address, error) from error
    for statement in (_SESSION, *_MAKE_TABLE):
        session.ask(statement)
    if known is not None:
        _left_to_parents.append(known)
    _sessions[address] = session
    return session


def _wait(connection: Connection, seconds: float | None = None) -> None:
    """Wait until the server has answered, or a signal's handler raises."""
    import psycopg2
    from psycopg2.extensions import POLL_OK, POLL_READ

    deadline = None if seconds is None else time.monotonic() + seconds
    while (state := connection.poll()) != POLL_OK:
        left = None if deadline is None else max(deadline - time.monotonic(), 0)
        socket_ = [connection.fileno()]
        found = select.select(
            *((socket_, [], []) if state == POLL_READ else ([], socket_, [])), left
        )
        if not any(found):
            raise psycopg2.OperationalError(f"no answer within {seconds:.0f} s")
