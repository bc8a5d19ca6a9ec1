"""What a lock that hosts share asks its Postgres; with real ones: `test_postgres_lock.py`."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import POLL_OK, POLL_READ

from dataflow.runs import postgres_lock
from dataflow.runs.lock import (
    WorkflowBusyError,
    confirm_lock,
    is_held_for,
    lost_process,
    workflow_lock,
)
from dataflow.runs.postgres_history import HistoryError
from dataflow.runs.postgres_lock import Holder, LockLostError, SharedLock, lost_holder, running
from dataflow.shared.project import Project

SINCE = datetime(2024, 1, 31, 10, tzinfo=UTC)


class LockNotAvailable(psycopg2.OperationalError):
    """What a server says when `lock_timeout` is over."""

    pgcode = "55P03"


class Server:
    """A Postgres with locks and a table of who has them, as far as one connection asks of it."""

    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.elsewhere: set[int] = set()
        self.notes: dict[int, tuple[Any, ...]] = {}
        self.limits: list[str] = []
        self.connections = 0
        self.is_away = False

    def connect(self, _address: str, **_options: Any) -> Server:
        self.connections += 1
        return self

    def poll(self) -> int:
        return POLL_OK

    def cursor(self) -> Server:
        return self

    def close(self) -> None:
        self.taken.clear()

    def execute(self, sql: str, given: tuple[Any, ...] = ()) -> None:
        if self.is_away:
            raise psycopg2.OperationalError("gone")
        key: Any = given[0] if given else 0
        self._rows: list[Any] = []
        if "pg_try_advisory_lock" in sql:
            self._rows = [(key not in self.elsewhere,)]
            self.taken |= {key} - self.elsewhere
        elif "pg_advisory_lock(%s)" in sql:
            if key in self.elsewhere:
                raise LockNotAvailable
            self.taken.add(key)
        elif "pg_advisory_unlock(%s)" in sql:
            self.taken.discard(key)
        elif "pg_locks" in sql:
            held = self.taken if "pg_backend_pid" in sql else self.taken | self.elsewhere
            self._rows = [(int(key in held),)]
        elif "lock_timeout" in sql:
            self.limits.append(key)
        elif sql.strip().startswith("INSERT"):
            self.notes[key] = (given[4], given[5], SINCE, given[3])
        elif sql.startswith("SELECT pid"):
            self._rows = [self.notes[key]] if key in self.notes else []
        elif sql.startswith("DELETE"):
            self.notes.pop(key, None)

    @property
    def description(self) -> bool:
        return bool(self._rows)

    def fetchall(self) -> list[Any]:
        return self._rows


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    monkeypatch.setattr(postgres_lock, "connect", server.connect)
    yield server
    postgres_lock._sessions.clear()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n[tool.dataflow]\n')
    monkeypatch.setenv("DATAFLOW_HISTORY", "postgresql://nowhere/history")
    return Project(tmp_path)


@pytest.fixture
def lock(project: Project, server: Server) -> SharedLock:
    return SharedLock(project, "workflow sales")


def test_every_version_means_the_same_lock_by_a_name(project: Project, lock: SharedLock) -> None:
    """Hosts are not updated at once."""
    assert lock.key == 474339126059012033
    assert SharedLock(project, "workflow orders").key == -6854123744310658947


def test_a_lock_is_given_back_as_often_as_it_was_taken(lock: SharedLock, server: Server) -> None:
    """By one connection, which ends with the last lock; whose it is, is written down."""
    assert lock.acquire(0, "a-run")
    assert lock.acquire(0)
    me = Holder(os.getpid(), socket.gethostname(), "2024-01-31T10:00:00+00:00", "a-run")
    assert lock.holder() == me
    assert str(me).startswith(f"process {os.getpid()} on {me.host} since 2024")
    lock.release()
    lock.confirm()
    assert lock.is_held()
    assert server.connections == 1
    lock.release()
    assert (server.taken, server.notes, postgres_lock._sessions) == (set(), {}, {})
    lock.release()
    with pytest.raises(LockLostError):
        lock.confirm()


def test_a_lock_that_others_hold_is_waited_for_only_if_asked(
    lock: SharedLock, server: Server
) -> None:
    """And the limit holds for nothing else."""
    server.elsewhere.add(lock.key)
    assert not lock.acquire(0)
    assert server.limits == []
    assert not lock.acquire(1.5)
    assert server.limits == ["1.5s", "0"]
    assert (server.taken, server.notes, postgres_lock._sessions) == (set(), {}, {})
    assert lock.is_held()
    server.elsewhere.clear()
    assert not lock.is_held()
    assert lock.holder() is None


def test_a_connection_that_is_gone_has_lost_its_locks(lock: SharedLock, server: Server) -> None:
    """They are given back without a word; anything else says what the server said."""
    assert lock.acquire(0)
    server.is_away = True
    with pytest.raises(LockLostError):
        lock.confirm()
    lock.release()
    with pytest.raises(HistoryError, match="gone"):
        lock.acquire(0)


def test_a_lock_that_the_server_gave_away_is_lost(lock: SharedLock, server: Server) -> None:
    """Also where the connection still answers."""
    assert lock.acquire(0)
    server.taken.clear()
    with pytest.raises(LockLostError):
        lock.confirm()


def test_a_run_whose_lock_nobody_holds_has_lost_its_process(
    project: Project, server: Server
) -> None:
    """If it said which that was; a step of it asks who holds the workflow for it."""
    with running(project, "a-run"):
        assert lost_holder(project, "a-run") is None
        key = SharedLock(project, "run a-run").key
        noted = server.notes[key]
    assert lost_holder(project, "a-run") is None
    server.notes[key] = noted
    gone = lost_holder(project, "a-run")
    assert gone is not None
    assert gone.run == "a-run"
    SharedLock(project, "run a-run").forget()
    assert server.notes == {}
    assert not is_held_for(project, "sales", "a-run")
    held = SharedLock(project, "workflow sales")
    assert held.acquire(0, "a-run")
    assert is_held_for(project, "sales", "a-run")
    assert not is_held_for(project, "sales", "b-run")


def test_a_workflow_is_held_by_one_host_at_a_time(project: Project, server: Server) -> None:
    """Who waits is told of whom; whose time is over, too; it is given back at the end."""
    lock = SharedLock(project, "workflow sales")
    with workflow_lock(project, "sales", run_id="mine"):
        assert lock.is_held()
        confirm_lock(project, "sales")
    assert not server.taken
    with pytest.raises(LockLostError):
        confirm_lock(project, "sales")
    server.elsewhere.add(lock.key)
    server.notes[lock.key] = (77, "afar", SINCE, "theirs")
    told: list[str] = []
    held = "process 77 on afar"
    with (
        pytest.raises(WorkflowBusyError, match=f"'sales' is in use by {held}"),
        workflow_lock(project, "sales", told.append),
    ):
        pass
    assert [each.startswith(held) for each in told] == [True]
    assert server.limits[0] == f"{project.settings.lock_timeout_seconds}s"
    server.limits.clear()
    server.notes.clear()
    with (
        pytest.raises(WorkflowBusyError, match="another process"),
        workflow_lock(project, "sales", waits=False),
    ):
        pass
    assert server.limits == []


def test_a_lost_process_is_named_with_its_host(project: Project, server: Server) -> None:
    """That of a run which is alive is not lost."""
    assert lost_process(project, "a-run") == ""
    lock = SharedLock(project, "run a-run")
    server.notes[lock.key] = (77, "afar", SINCE, "a-run")
    assert lost_process(project, "a-run") == "process 77 on afar"
    server.elsewhere.add(lock.key)
    assert lost_process(project, "a-run") == ""


class Answering:
    """A connection that has its answer when something has come through its socket."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()

    def poll(self) -> int:
        try:
            return POLL_OK if self.ours.recv(1, socket.MSG_DONTWAIT) else POLL_READ
        except BlockingIOError:
            return POLL_READ

    def fileno(self) -> int:
        return self.ours.fileno()


def test_an_answer_is_waited_for_as_long_as_it_may_take() -> None:
    """One that comes ends the wait; one that does not is an error when the time is over."""
    connection: Any = Answering()
    with pytest.raises(psycopg2.OperationalError, match="no answer within 0 s"):
        postgres_lock._wait(connection, 0.05)
    threading.Timer(0.05, connection.theirs.send, [b"x"]).start()
    postgres_lock._wait(connection, 30)
    connection.theirs.send(b"x")
    postgres_lock._wait(connection)
    connection.ours.close()
    connection.theirs.close()
