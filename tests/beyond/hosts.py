"""Machines of the tests' own: processes in namespaces with a disk and a name of their own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from tests.conftest import BIN
from tests.service_fixtures import until

# Neither the disk nor the host name of this machine. Of its network they have the servers' ports.
_UNSHARE = ["unshare", "--mount", "--uts", "--propagation", "private"]


def require_namespaces() -> None:
    """Skip where they may not be made, as in most containers."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare is installed (Debian's package is called util-linux)")
    tried = subprocess.run([*_UNSHARE, "mount", "--bind", "/tmp", "/tmp"], capture_output=True)  # noqa: S108
    if tried.returncode:
        pytest.skip(f"namespaces are not permitted here: {tried.stderr.decode().strip()}")


@contextmanager
def redis() -> Iterator[str]:
    """A Redis that is reached by a socket in a folder; Celery's address of it."""
    if not shutil.which("redis-server"):
        pytest.skip("no Redis server is installed (Debian's package is called redis-server)")
    folder = Path(tempfile.mkdtemp(prefix="dataflow-redis-"))
    socket = folder / "s"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        until(socket.exists, "Redis", 20)
        yield f"redis+socket://{socket}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(postgres: str, name: str) -> Iterator[str]:
    """An empty database of a Postgres, by its socket: it has no network; address without login."""
    server = psycopg2.connect(postgres)
    server.autocommit = True
    cursor = server.cursor()
    cursor.execute("SELECT current_setting('unix_socket_directories'), current_setting('port')")
    [(folder, port)] = cursor.fetchall()
    # Its folder is for the server's user alone.
    Path(folder).chmod(0o755)
    cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield f"/{name}?host={folder}&port={port}"
    finally:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


class Host:
    """A machine with its own copy of a project, which executes runs.

    Args:
        name: Its host name.
        root: The project's folder, as all machines have it.
        copy: What lies there on this machine.
    """

    def __init__(self, name: str, root: Path, copy: Path, env: dict[str, str]) -> None:
        self.name = name
        shutil.copytree(root, copy, symlinks=True)
        inside = (
            f"hostname {name} && mount --bind '{copy}' '{root}' && cd '{root}' && "
            f"exec '{BIN / 'dataflow'}' worker celery"
        )
        self.log = copy.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*_UNSHARE, "sh", "-c", inside],
                env={**os.environ, **env},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether it takes runs."""
        assert self.process.poll() is None, self.log.read_text()
        return " ready." in self.log.read_text()

    def kill(self) -> None:
        """Take its power away."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
