"""Connections to databases: any login, answers that do not come, and connections that break."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.database_fixtures import ODD_PASSWORD, PASSWORD

from dataflow.shared.config_model import Parameters
from dataflow.shared.environment import interpolate
from dataflow.shared.tables import row_count
from dataflow.sources.database.reader import KIND, list_tables
from dataflow.sources.database.settings import DatabaseSource
from dataflow.sources.errors import SourceError, SourceUnavailableError
from dataflow.sources.kind import ReadRequest
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def read(url: str, *, retries: int = 0, seconds: float = 10, **source: Any) -> Any:
    parameters = {"max_retries": retries, "timeout_seconds": seconds}
    return read_source({"type": "database", "url": url, **source}, parameters)["data"]


WRONG = "wrong/se@cret"


class Proxy:
    """Stands before a server; the first connection through it meets with an accident."""

    def __init__(self, port: int, cut_after: int = 0, *, silent: bool = False) -> None:
        self.server_port, self.cut_after, self.silent = port, cut_after, silent
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.server_port))
            left = self.cut_after if self.connections == 1 else sys.maxsize
            for source, target, limit in ((client, server, sys.maxsize), (server, client, left)):
                threading.Thread(
                    target=self._pass, args=(source, target, limit), daemon=True
                ).start()

    def _pass(self, source: socket.socket, target: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if len(data) > left:
                    if not self.silent:
                        break
                    left = -1
                    continue
                target.sendall(data)
                left -= len(data)
            for end in (source, target):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def through() -> Iterator[Callable[..., tuple[str, Proxy]]]:
    """The address of a server as seen through a proxy."""
    proxies: list[Proxy] = []

    def make(url: str, **accident: Any) -> tuple[str, Proxy]:
        port = url.rsplit(":", 1)[1].split("/")[0]
        proxies.append(Proxy(int(port), **accident))
        return url.replace(f":{port}/", f":{proxies[-1].port}/"), proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.mark.slow
def test_a_login_may_hold_any_character(
    postgres: str,
    execute: Callable[[str], None],
    mariadb: str,
    on_mariadb: Callable[[str], Any],
) -> None:
    """In keys of its own, in the address, and in the address's variables."""
    execute("CREATE TABLE t AS SELECT 1 AS id")
    on_mariadb("CREATE TABLE t AS SELECT 1 AS id")
    user = 'o"dd@us:er/ü %'
    quoted = user.replace('"', '""')
    execute(f"CREATE USER \"{quoted}\" PASSWORD '{ODD_PASSWORD}'")
    try:
        execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        execute(f'GRANT SELECT ON t TO "{quoted}"')
        for url, name in ((postgres.replace(f"tester:{PASSWORD}@", ""), user), (mariadb, "tester")):
            scheme, host = url.split("://")
            in_url = f"{scheme}://{quote(name, safe='')}:{quote(ODD_PASSWORD, safe='')}@{host}"
            variables = {"DB_USER": name, "DB_PASSWORD": ODD_PASSWORD}
            by_names, _, _ = interpolate(
                f"{scheme}://${{DB_USER}}:${{DB_PASSWORD}}@{host}", variables
            )
            own: dict[str, Any] = {"username": name, "password": ODD_PASSWORD}
            for address, login in ((url, own), (in_url, {}), (by_names, {})):
                assert read(address, table="t", **login).to_pylist() == [{"id": 1}]
    finally:
        execute(f'REVOKE ALL ON t FROM "{quoted}"')
        execute(f'DROP USER "{quoted}"')


def test_a_wrong_login_is_tried_once_and_not_shown(
    postgres: str, mariadb: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Servers lock accounts that fail to log in again and again."""
    for url in (postgres.replace(f"tester:{PASSWORD}@", ""), mariadb):
        with pytest.raises(SourceUnavailableError, match="in 1 attempt:") as caught:
            read(url, table="t", retries=3, username="tester", password=WRONG)
        assert WRONG not in str(caught.value) + caplog.text


@pytest.mark.slow
def test_views_of_every_kind_are_read_and_listed(
    postgres: str,
    execute: Callable[[str], None],
    mariadb: str,
    on_mariadb: Callable[[str], Any],
) -> None:
    """Views, materialised views, partitioned tables."""
    execute("CREATE TABLE t (id int) PARTITION BY RANGE (id)")
    execute("CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (9)")
    execute("INSERT INTO t VALUES (1)")
    execute("CREATE VIEW v AS SELECT * FROM t")
    execute("CREATE MATERIALIZED VIEW m AS SELECT * FROM t")
    for name in ("t", "v", "m"):
        assert read(postgres, table=name).to_pylist() == [{"id": 1}]
        assert read(postgres, table=name, schema="public").num_rows == 1
    settings = DatabaseSource(type="database", url=postgres, table="t")
    assert list_tables(settings, Parameters()) == ["m", "t", "t_1", "v"]
    on_mariadb("CREATE TABLE t (id int)")
    on_mariadb("CREATE VIEW v AS SELECT 1 AS id FROM t RIGHT JOIN (SELECT 2 AS x) AS y ON true")
    assert read(mariadb, table="v", username="tester", password=ODD_PASSWORD).num_rows == 1


def test_incremental_reading_of_mariadb(mariadb: str, on_mariadb: Callable[[str], Any]) -> None:
    """Every row once, by times and by names with signs in them."""
    on_mariadb("CREATE TABLE t (id int, `se:en %s` datetime)")
    on_mariadb("INSERT INTO t VALUES (1, '2024-01-01'), (2, '2024-01-02')")
    source = {
        "type": "database",
        "url": mariadb,
        "username": "tester",
        "password": ODD_PASSWORD,
        "table": "t",
        "incremental": {"column": "se:en %s"},
    }
    first = read_source(source, {})
    assert first["data"].num_rows == 2
    on_mariadb("INSERT INTO t VALUES (3, '2024-01-02'), (4, '2024-01-03')")
    again = read_source(source, {}, first["metadata"]["last_value"])
    assert again["data"]["id"].to_pylist() == [3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("cut_after", [0, 2_000, 100_000])
def test_a_lost_connection_is_tried_again(
    postgres: str,
    execute: Callable[[str], None],
    mariadb: str,
    on_mariadb: Callable[[str], Any],
    through: Any,
    quick: None,
    cut_after: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Before the login, while tables are looked for, in the middle of the rows: each row once."""
    fill = "SELECT {} AS id, repeat('x', 100) AS s FROM {}"
    execute(f"CREATE TABLE t AS {fill.format('n', 'generate_series(1, 9000) n')}")
    on_mariadb(f"CREATE TABLE t AS {fill.format('seq', 'seq_1_to_9000')}")
    login: dict[str, Any] = {"username": "tester", "password": ODD_PASSWORD}
    for server, keys in ((postgres, {}), (mariadb, login)):
        url, proxy = through(server, cut_after=cut_after)
        table = read(url, table="t", retries=1, **keys)
        assert sorted(table["id"].to_pylist()) == list(range(1, 9_001))
        assert proxy.connections == 2
        url, _ = through(server, cut_after=cut_after)
        with pytest.raises(SourceUnavailableError, match="in 1 attempt:"):
            read(url, table="t", **keys)
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.slow
def test_an_answer_that_does_not_come_is_not_waited_for(
    postgres: str,
    execute: Callable[[str], None],
    mariadb: str,
    on_mariadb: Callable[[str], Any],
    through: Any,
) -> None:
    """A slow query, a locked table, a server that falls silent: each ends with what to raise."""
    execute(
        "CREATE TABLE t AS SELECT n AS id, repeat('x', 99) AS s FROM generate_series(1, 9000) n"
    )
    on_mariadb("CREATE TABLE t AS SELECT seq AS id, repeat('x', 99) AS s FROM seq_1_to_9000")
    login: dict[str, Any] = {"username": "tester", "password": ODD_PASSWORD}
    silent, _ = through(postgres, cut_after=100_000, silent=True)
    silent_too, _ = through(mariadb, cut_after=100_000, silent=True)
    for url, source in (
        (postgres, {"query": "SELECT pg_sleep(60)::text AS s"}),
        (mariadb, {"query": "SELECT sleep(60) AS s", **login}),
        (silent, {"table": "t"}),
        (silent_too, {"table": "t", **login}),
    ):
        started = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="no answer within 1 seconds") as caught:
            read(url, seconds=1, retries=2, **source)
        assert "timeout_seconds" in caught.value.instruction
        assert time.monotonic() - started < 15


@pytest.mark.slow
def test_a_look_at_a_table_of_mariadb_leaves_the_rest_of_it(
    mariadb: str, on_mariadb: Callable[[str], Any]
) -> None:
    """The rows that nobody asked for are not fetched, and the server is free again."""
    on_mariadb("CREATE TABLE t AS SELECT seq AS id FROM seq_1_to_200000")
    login: dict[str, Any] = {"username": "tester", "password": ODD_PASSWORD}
    settings = DatabaseSource(type="database", url=mariadb, table="t", **login)
    extracted = KIND.read(settings, ReadRequest(Parameters(), limit=9))
    assert (row_count(extracted.data), extracted.whole) == (9, False)


def test_mariadb_is_not_written_to(mariadb: str, on_mariadb: Callable[[str], Any]) -> None:
    """What a query calls cannot write either."""
    on_mariadb("CREATE TABLE t AS SELECT 1 AS id")
    on_mariadb("CREATE FUNCTION f() RETURNS int BEGIN DELETE FROM t; RETURN 1; END")
    with pytest.raises(SourceError, match="READ ONLY"):
        read(mariadb, query="SELECT f() AS id", username="tester", password=ODD_PASSWORD)
    assert on_mariadb("SELECT * FROM t") == ((1,),)


HOLD = """
import duckdb, sqlite3, sys, time
if sys.argv[1].endswith(".duckdb"):
    connection = duckdb.connect(sys.argv[1])
else:
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
print("open", flush=True)
sys.stdin.readline()
connection.execute("INSERT INTO t VALUES (2)")
if not sys.argv[1].endswith(".duckdb"):
    connection.execute("COMMIT")
connection.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["duckdb", "sqlite"])
def test_a_file_that_is_locked_is_waited_for(tmp_path: Path, suffix: str) -> None:
    """What the other program writes before it lets go is read."""
    import sqlite3

    import duckdb

    path = tmp_path / f"a.{suffix}"
    if suffix == "duckdb":
        with duckdb.connect(str(path)) as made:
            made.execute("CREATE TABLE t AS SELECT 1 AS id")
    else:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE t AS SELECT 1 AS id")
            other.commit()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        timer = threading.Timer(0.5, lambda: holder.communicate(b"\n"))
        timer.start()
        assert sorted(read(str(path), table="t", seconds=30)["id"].to_pylist()) == [1, 2]
        timer.join()


@pytest.mark.slow
def test_a_query_whose_time_is_up_ends_at_the_server_too(
    mariadb: str, on_mariadb: Callable[[str], Any]
) -> None:
    """A server that nobody waits for any more does not go on with the work."""
    on_mariadb("CREATE FUNCTION busy(n int) RETURNS int NO SQL RETURN benchmark(n, md5('x'))")
    on_mariadb("CREATE VIEW v AS SELECT busy(2000000000) AS id")
    with pytest.raises(SourceUnavailableError, match="gave no answer within 0.5 seconds"):
        read(mariadb, seconds=0.5, table="v", username="tester", password=ODD_PASSWORD)
    give_up = time.monotonic() + 10
    while any("`v`" in str(row[7]) for row in on_mariadb("SHOW FULL PROCESSLIST")):
        assert time.monotonic() < give_up, "the query goes on"
        time.sleep(0.05)
