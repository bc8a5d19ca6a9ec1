"""Dagster's history in SQLite files that a process opens once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, job
from dagster._core.events import EngineEventData
from dagster._core.storage.event_log import SqliteEventLogStorage

from dataflow.runs.sqlite_history import (
    _MOST_OPEN,
    _POOL,
    OpenedOnceStorage,
    _copy_empty,
    _Engines,
    _is_initialised,
)

SETTINGS = "storage: {custom: {module: dataflow.runs.history, class: RedactedHistory}}\n"


@job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


def said(instance: DagsterInstance, run_id: str) -> list[str]:
    return [str(event.message) for event in instance.all_logs(run_id)]


def schema(path: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name")
        return [*rows, *connection.execute("SELECT version_num FROM alembic_version")]


@pytest.mark.slow
def test_the_file_of_a_run_is_as_dagster_makes_it(tmp_path: Path, home: Path) -> None:
    """Its tables, and the version that a later Dagster goes on from; also that of the second."""
    theirs = SqliteEventLogStorage(str(tmp_path / "theirs"))
    ours: Any = OpenedOnceStorage.from_local(str(home)).event_log_storage
    for storage in (theirs, ours):
        for run_id in ("a", "b"):
            with storage.run_connection(run_id):
                pass
    expected = schema(tmp_path / "theirs" / "a.db")
    folder = home / "history" / "runs"
    assert schema(folder / "a.db") == schema(folder / "b.db") == expected
    assert schema(folder / "index.db") == schema(tmp_path / "theirs" / "index.db")
    # Which runs there are is read off the folder.
    assert sorted(ours.get_all_run_ids()) == ["a", "b"]


def test_an_event_is_told_while_its_writer_has_the_file_open(
    instance: DagsterInstance, home: Path
) -> None:
    """The pages of Dagster's UI show a run's log as it is written."""
    run = instance.create_run_for_job(nothing)
    instance.report_engine_event("first", run)
    told, came = [], threading.Event()

    def on_event(entry: object, _cursor: str) -> None:
        told.append(str(getattr(entry, "message", "")))
        if "third" in told[-1]:
            came.set()

    with DagsterInstance.from_config(str(home)) as other:
        other.watch_event_logs(run.run_id, None, on_event)
        instance.report_engine_event("second", run)
        instance.report_engine_event("third", run)
        assert came.wait(30), told


def test_a_file_stays_open_while_it_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One in its place is opened anew; that its log was deleted is told, and not that it grew."""
    path, engines = tmp_path / "a.db", _Engines(_POOL)

    def opened() -> Any:
        return engines.of(f"sqlite:///{path}", str(path))

    path.touch()
    log = tmp_path / "a.db-wal"
    log.touch()
    first = opened()
    assert [opened(), opened()] == [first, first]
    assert capsys.readouterr().err == ""
    log.unlink()
    assert opened() is first
    assert capsys.readouterr().err.count("was deleted while it was open") == 1
    (tmp_path / "b.db").touch()
    (tmp_path / "b.db").replace(path)
    assert opened() is not first
    engines.close()
    assert engines._open == {}


def test_only_the_files_that_were_used_last_stay_open(tmp_path: Path) -> None:
    """A webserver that shows many runs keeps none of them open for ever."""
    engines = _Engines(_POOL)
    names = [f"sqlite:///{tmp_path / str(number)}" for number in range(_MOST_OPEN + 1)]
    for name in [*names[:-1], names[0], names[-1]]:
        engines.of(name, name)
    assert list(engines._open) == [*names[2:-1], names[0], names[-1]]


@pytest.mark.slow
def test_a_history_that_was_deleted_is_made_anew(instance: DagsterInstance, home: Path) -> None:
    """A process that has a deleted file open does not go on writing to it."""
    run = instance.create_run_for_job(nothing)
    instance.report_engine_event("before", run)
    for path in (home / "history" / "runs").glob(f"{run.run_id}*"):
        path.unlink()
    instance.report_engine_event("after", run)
    assert "after" in said(instance, run.run_id)[-1]
    assert (home / "history" / "runs" / f"{run.run_id}.db").exists()


@pytest.mark.slow
def test_processes_that_start_at_once_make_one_history(home: Path) -> None:
    """Services of a new project start side by side; all of them find the tables of whoever won."""
    program = (
        "import sys\n"
        "from dataflow.runs.sqlite_history import OpenedOnceStorage\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "OpenedOnceStorage.from_local(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", program, str(home)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(6)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=60)
    assert [process.returncode for process in started] == [0] * 6


@pytest.mark.slow
def test_a_forked_child_has_connections_of_its_own(instance: DagsterInstance) -> None:
    """SQLite's must not be shared by processes; what both write is there."""
    run = instance.create_run_for_job(nothing)
    instance.report_engine_event("parent", run)
    child = os.fork()
    if child == 0:
        try:
            instance.report_engine_event("child", run, EngineEventData.in_process(os.getpid()))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    instance.report_engine_event("parent again", run)
    assert [line.split()[0] for line in said(instance, run.run_id)] == [
        "parent",
        "child",
        "parent",
    ]
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    names = [link.readlink().name for link in links]
    assert names.count(f"{run.run_id}.db") == 1


LOST_LOG = """
import sys
from pathlib import Path
from dagster import DagsterInstance, job

@job
def nothing(): ...

home = Path(sys.argv[1])
with DagsterInstance.from_config(str(home)) as instance:
    run_id = instance.create_run_for_job(nothing).run_id
    print(run_id, flush=True)
    for path in [p for p in home.rglob("*") if p.name.endswith(("-wal", "-shm"))]:
        path.unlink()
    instance.get_run_by_id(run_id)
    print("goes on", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("is_service", "code"), [(True, -signal.SIGKILL), (False, 0)])
def test_a_service_whose_log_is_deleted_begins_anew(
    instance: DagsterInstance, home: Path, is_service: bool, code: int
) -> None:
    """It ends, so that it is started again; what it has written is not lost. A run goes on."""
    service = {"DATAFLOW_SERVICE": "dagster"} if is_service else {}
    done = subprocess.run(
        [sys.executable, "-c", LOST_LOG, home],
        env={**os.environ, **service},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "was deleted while it was open" in done.stderr
    run_id, *rest = done.stdout.splitlines()
    assert bool(rest) is not is_service
    with sqlite3.connect(home / "history" / "runs.db") as connection:
        assert connection.execute("SELECT run_id FROM runs").fetchall() == [(run_id,)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_history_that_is_wiped_is_empty_and_goes_on(tmp_path: Path) -> None:
    """Files that were open are closed before; what is written afterwards is there."""
    storage = OpenedOnceStorage.from_local(str(tmp_path))
    events: Any = storage.event_log_storage
    with events.run_connection("a"):
        pass
    assert events.get_all_run_ids() == ["a"]
    events.wipe()
    assert events.get_all_run_ids() == []
    with events.run_connection("b") as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM event_logs").scalar() == 0
    assert events.get_all_run_ids() == ["b"]
    storage.dispose()


def test_a_child_leaves_the_connections_of_its_parent_alone(tmp_path: Path) -> None:
    """It opens the files anew, and does not close those of the parent."""
    engines, name = _Engines(_POOL), f"sqlite:///{tmp_path / 'a.db'}"
    of_parent = engines.of(name, str(tmp_path / "a.db"))
    with of_parent.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (n int)")
    child = os.fork()
    if child == 0:
        other = engines.of(name, str(tmp_path / "a.db"))
        os._exit(0 if other is not of_parent and of_parent.pool.checkedin() == 1 else 1)  # type: ignore[attr-defined]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engines.of(name, str(tmp_path / "a.db")) is of_parent
    engines.close()


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], False),
        (["CREATE TABLE alembic_version (version_num text)", "CREATE TABLE t (n int)"], False),
        (
            [
                "CREATE TABLE alembic_version (version_num text)",
                "INSERT INTO alembic_version VALUES ('1')",
            ],
            False,
        ),
        (
            [
                "CREATE TABLE alembic_version (version_num text)",
                "INSERT INTO alembic_version VALUES ('1')",
                "CREATE TABLE t (n int)",
            ],
            True,
        ),
    ],
)
def test_a_file_is_made_when_dagster_has_made_all_of_it(
    tmp_path: Path, statements: list[str], expected: bool
) -> None:
    """Its tables, and the note that comes last."""
    with sqlite3.connect(tmp_path / "a.db") as connection:
        for statement in statements:
            connection.execute(statement)
    assert _is_initialised(tmp_path / "a.db", "t") is expected
    assert _is_initialised(tmp_path / "none.db", "t") is False


def test_the_file_of_a_new_run_is_a_copy_of_an_empty_one(tmp_path: Path) -> None:
    """Made once; a file that is there already stays as it is, and nothing is left beside it."""
    storage = OpenedOnceStorage.from_local(str(tmp_path))
    events: Any = storage.event_log_storage
    for run_id in ("a", "b"):
        with events.run_connection(run_id):
            pass
    folder = Path(events.path_for_shard("a")).parent
    [empty] = folder.glob("empty-*")
    assert _is_initialised(empty, "event_logs")
    assert list(folder.glob("new.*")) == []
    storage.dispose()
    mine = tmp_path / "mine.db"
    mine.write_text("mine")
    _copy_empty(events, str(mine))
    assert mine.read_text() == "mine"
    made = folder / "c.db"
    _copy_empty(events, str(made))
    assert made.read_bytes() == empty.read_bytes()
