"""The process that forks runs, by itself."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.service_fixtures import until, write_project

from dataflow.runs.instance import prepare_dagster_home
from dataflow.service import warm_worker
from dataflow.service.process_identity import living_process, process_identity
from dataflow.service.warm_request import GREETING, send_request
from dataflow.shared.project import Project

# By hand with more: DATAFLOW_TEST_FORKS=1000.
FORKS = int(os.environ.get("DATAFLOW_TEST_FORKS", "100"))


@contextmanager
def started(root: Path, runtime: Path, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A warm process that listens."""
    environment = {
        **os.environ,
        "DATAFLOW_PROJECT": str(root),
        "DAGSTER_HOME": str(prepare_dagster_home(Project(root))),
        "XDG_RUNTIME_DIR": str(runtime),
    }
    command = [sys.executable, "-P", warm_worker.__file__, "--socket", str(path)]
    command += ["--project", str(root), "--entry", "dataflow.cli.main:main"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: path.exists() or process.poll() is not None, "the socket")
            assert process.poll() is None
            yield process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a warm process."""
    root = write_project(tmp_path_factory.mktemp("worker") / "shop")
    path = root / "s"
    # The path of a socket has to be short.
    runtime = Path(tempfile.mkdtemp(prefix="df"))
    with started(root, runtime, path) as process:
        (root / "terminals").symlink_to(next((runtime / "dataflow").glob("*.sock")))
        (root / "worker").write_text(str(process.pid))
        yield path
        process.terminate()
        assert process.wait(30) == 0
    assert not [*(runtime / "dataflow").glob("*")]
    shutil.rmtree(runtime)


def fork(path: Path, last_word: str) -> int:
    """Have a child made that has nothing to do; its process id."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        with connection.makefile("rw") as lines:
            lines.write("no-such-run\n")
            lines.flush()
            pid = int(lines.readline().partition("@")[0])
            lines.write(last_word)
    return pid


def ask_version(path: Path) -> str:
    """Have a child do `dataflow --version`; how it says that it ended."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str((path.parent / "terminals").resolve()))
        assert connection.recv(len(GREETING), socket.MSG_WAITALL) == GREETING
        send_request(connection)
        assert int(connection.recv(64).partition(b"@")[0]) > 0
        connection.sendall(b"go\n")
        # The child says it, and then the warm process, in case that the child could not.
        return connection.recv(64).decode().splitlines()[0]


def worker_of(path: Path) -> psutil.Process:
    return psutil.Process(int((path.parent / "worker").read_text()))


@pytest.mark.slow
def test_forks_leave_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, no file and no process, whether the children were told to begin or not."""
    worker = worker_of(path)
    monkeypatch.setattr(sys, "argv", ["dataflow", "--version"])

    def is_idle() -> bool:
        return len(worker.children()) <= 1  # that which sees to semaphores

    for _ in range(10):
        fork(path, "go\n")
        ask_version(path)
    until(is_idle, "the end of the first children")
    memory, files = worker.memory_info().rss, worker.num_fds()
    for number in range(FORKS):
        fork(path, "" if number % 5 else "go\n")
        assert ask_version(path) == "exit 0"
    until(is_idle, "the end of all children")
    assert worker.num_fds() == files
    assert worker.memory_info().rss - memory < 2 << 20


@pytest.mark.slow
def test_only_its_user_can_ask_it(path: Path) -> None:
    """Whoever can connect can have code run."""
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_client_that_says_nothing_holds_nobody_up(path: Path) -> None:
    """Each has a child of its own."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(path))
        assert fork(path, "") > 0


def test_an_id_that_was_given_again_is_another_process() -> None:
    """A run is not cancelled by a signal to a stranger."""
    mine = process_identity()
    assert living_process(mine) == os.getpid()
    assert living_process(f"{os.getpid()}@1") is None
    assert living_process("") is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        known = process_identity(process.pid)
        process.kill()
        # It stays listed until somebody waits for it.
        until(lambda: living_process(known) is None, "its end")


@pytest.mark.slow
def test_terminals_are_served_by_the_next_one(tmp_path: Path) -> None:
    """One that found them served serves them itself once the other has gone."""
    root = write_project(tmp_path / "shop")
    runtime = Path(tempfile.mkdtemp(prefix="df"))
    with started(root, runtime, root / "a") as first:
        (lock,) = (runtime / "dataflow").glob("*.lock")
        with started(root, runtime, root / "b") as second:
            assert int(lock.read_text()) == first.pid
            first.kill()
            until(lambda: int(lock.read_text() or 0) == second.pid, "the second's turn", 30)
            assert lock.with_suffix(".sock").exists()
            second.terminate()
            assert second.wait(30) == 0
    shutil.rmtree(runtime)
