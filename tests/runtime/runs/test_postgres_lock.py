"""Locks that hosts share: those of the history's Postgres."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from tests.service_fixtures import until, write_project, write_workflow

from dataflow.runs.lock import WorkflowBusyError, confirm_lock, workflow_lock
from dataflow.runs.postgres_lock import LockLostError, SharedLock, lost_holder, running
from dataflow.runs.run import run_workflow
from dataflow.shared.project import Project

pytestmark = pytest.mark.slow

# Holds a workflow, and a run's own lock, until it is ended.
HOLD = """
import sys, time
from dataflow.runs.lock import alive, workflow_lock
from dataflow.shared.project import find_project
project = find_project()
with alive(project, "the-run"), workflow_lock(project, "sales", run_id="the-run"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A project of its own name, whose history is in Postgres."""
    root = write_project(tmp_path_factory.mktemp("locks") / "shop")
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "{root.parent.name}"\n[tool.dataflow]\n'
    )
    monkeypatch.setenv("DATAFLOW_HISTORY", postgres)
    monkeypatch.setenv("DATAFLOW_LOCK_TIMEOUT_SECONDS", "0.3")
    yield Project(root)
    connection = psycopg2.connect(postgres)
    connection.autocommit = True
    connection.cursor().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()


@contextmanager
def holder(project: Project) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the workflow."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def end_connections(address: str) -> None:
    """End every connection that holds a lock, as a restart of the server does."""
    connection = psycopg2.connect(address)
    connection.autocommit = True
    connection.cursor().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks "
        "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    connection.close()


def test_a_held_workflow_is_refused_and_waited_for_by_name(project: Project) -> None:
    """With process, host and time; a holder that is killed gives it back at once."""
    told: list[str] = []
    with holder(project) as other:
        with (
            pytest.raises(WorkflowBusyError, match=f"in use by process {other.pid} on .* since 20"),
            workflow_lock(project, "sales", told.append),
        ):
            pass
        assert told[0].startswith(f"process {other.pid} on ")
        with workflow_lock(project, "orders"):
            pass
        assert lost_holder(project, "the-run") is None
        other.send_signal(signal.SIGKILL)
        other.wait()
        lock = SharedLock(project, "workflow sales")
        until(lambda: lock.acquire(0), "the lock's return", 10)
        lock.release()
        gone = lost_holder(project, "the-run")
        assert gone is not None
        assert gone.pid == other.pid


def test_a_lock_that_is_given_back_is_taken_by_who_waits(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within its time, and without asking again and again."""
    monkeypatch.setenv("DATAFLOW_LOCK_TIMEOUT_SECONDS", "30")
    patient = Project(project.root)
    with holder(project) as other:
        threading.Timer(0.5, other.kill).start()
        began = time.monotonic()
        with workflow_lock(patient, "sales"):
            assert 0.3 < time.monotonic() - began < 10


def test_a_lock_is_taken_again_by_who_holds_it(project: Project) -> None:
    """And is held until the outermost has ended."""
    with workflow_lock(project, "sales"):
        with workflow_lock(project, "sales"):
            pass
        confirm_lock(project, "sales")
    with pytest.raises(LockLostError):
        confirm_lock(project, "sales")


def test_a_lost_connection_is_noticed(project: Project, postgres: str) -> None:
    """Before anything is made visible; afterwards the process can lock again."""
    with running(project, "a-run"), workflow_lock(project, "sales"):
        confirm_lock(project, "sales")
        end_connections(postgres)
        with pytest.raises(LockLostError, match="connection to the history's Postgres .* was lost"):
            confirm_lock(project, "sales")
    with workflow_lock(project, "sales"):
        confirm_lock(project, "sales")


def test_a_run_that_lost_its_lock_fails_before_anything_is_seen(
    project: Project, postgres: str
) -> None:
    """All its steps have done well, and what they did is not made visible."""
    body = f"""
    import psycopg2
    server = psycopg2.connect({postgres!r})
    server.autocommit = True
    server.cursor().execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks "
        "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    from dataflow.authoring import open_warehouse
    with open_warehouse("sales") as connection:
        connection.execute("CREATE TABLE here AS SELECT 1 AS one")
    """
    write_workflow(project.root, "sales", body.strip())
    told = run_workflow(project, "sales")
    assert told.status == "failed"
    assert [step.status for step in told.steps] == ["succeeded"] * 2
    assert "connection to the history's Postgres" in told.error
    assert not project.warehouse_file("sales").exists()
    lock = SharedLock(project, "workflow sales")
    assert lock.acquire(0)
    lock.release()


def test_who_waits_can_be_interrupted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is cancelled while it waits ends at once."""
    monkeypatch.setenv("DATAFLOW_LOCK_TIMEOUT_SECONDS", "60")
    patient = Project(project.root)
    with holder(project):
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt), workflow_lock(patient, "sales"):
            pass
        assert time.monotonic() - began < 10
