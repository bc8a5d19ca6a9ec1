"""Real database servers of the tests' own: Postgres and MariaDB."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "pw-of-the-test"  # noqa: S105
# What addresses, shells and drivers that take Latin-1 stumble over.
ODD_PASSWORD = "p@ss:w/rd#%?& [łü]"  # noqa: S105


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def initdb_path() -> str | None:
    """The program that makes a Postgres server's folder, if one is installed."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return shutil.which("initdb") or (str(binaries[-1]) if binaries else None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A Postgres server of the tests' own; its URL."""
    found = initdb_path()
    if not found:
        pytest.skip("no Postgres server is installed (Debian's package is called postgresql)")
    with postgres_server(found) as url:
        yield url


@contextmanager
def postgres_server(found: str) -> Iterator[str]:
    """A Postgres server in a folder of its own; its URL.

    Args:
        found: Its program initdb, beside which the others are.
    """
    folder = Path(tempfile.mkdtemp(prefix="dataflow-postgres-"))
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    # A server refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    port = free_port()
    bin_dir, data = Path(found).parent, folder / "data"

    def run(name: str, *arguments: str) -> None:
        command = [*user, str(bin_dir / name), "-D", str(data), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    own = ["-A", "scram-sha-256", "-U", "tester", "--pwfile", str(folder / "password")]
    run("initdb", "-E", "UTF8", "--locale=C.UTF-8", *own)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def execute(postgres: str) -> Iterator[Callable[[str], None]]:
    """Run SQL on the server; all that it made is gone afterwards."""
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        yield lambda sql: (connection.execute(sql.encode()), None)[1]
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS other CASCADE")
        connection.execute("CREATE SCHEMA public")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """A MariaDB server of the tests' own; its URL without the login, `tester` and ODD_PASSWORD."""
    if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
        pytest.skip("no MariaDB server is installed (Debian's package is called mariadb-server)")
    folder = Path(tempfile.mkdtemp(prefix="dataflow-mariadb-"))
    user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "mysql")
        user = ["--user=mysql"]
    # A socket's path must be short.
    port, data, at = free_port(), folder / "data", folder / "s"
    install = ["mariadb-install-db", "--no-defaults", *user, f"--datadir={data}"]
    install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    options = [f"--port={port}", f"--socket={at}", "--bind-address=127.0.0.1"]
    options += [f"--datadir={data}", "--innodb-flush-log-at-trx-commit=0"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["mariadbd", "--no-defaults", *user, *options], stdout=log, stderr=log
        )
    try:
        _made_ready(at, server)
        yield f"mariadb://127.0.0.1:{port}/shop"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _made_ready(at: Path, server: subprocess.Popen[bytes]) -> None:
    import pymysql

    give_up = time.monotonic() + 60
    while True:
        try:
            connection = pymysql.connect(unix_socket=str(at), user="root", charset="utf8mb4")
            break
        except pymysql.err.OperationalError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < give_up, "the server does not come up"
            time.sleep(0.1)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop")
        for host in ("localhost", "127.0.0.1"):
            cursor.execute(f"CREATE USER tester@'{host}' IDENTIFIED BY %s", [ODD_PASSWORD])
            cursor.execute(f"GRANT ALL ON *.* TO tester@'{host}'")


@pytest.fixture
def on_mariadb(mariadb: str) -> Iterator[Callable[[str], Any]]:
    """Run SQL on the server; all that it made is gone afterwards."""
    import pymysql

    port = int(mariadb.rsplit(":", 1)[1].split("/")[0])
    connection = pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="tester",
        password=ODD_PASSWORD.encode(),
        autocommit=True,
        charset="utf8mb4",
    )

    def run(sql: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    with connection:
        run("DROP DATABASE shop")
        run("CREATE DATABASE shop CHARACTER SET utf8mb4")
        run("USE shop")
        yield run


@contextmanager
def proxy(url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Another address of a server, and a way to cut it off for good."""
    parts = urlsplit(url)
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))
    pipes: list[socket.socket] = []

    def pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((str(parts.hostname), int(parts.port or 0)))
                pipes.extend((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    def cut() -> None:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in pipes:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield url.replace(f":{parts.port}/", f":{port}/"), cut
    finally:
        cut()
