"""Databases are read by table or query, and never written to: Postgres, DuckDB and SQLite."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tests.database_fixtures import PASSWORD

from dataflow.shared.config_model import Parameters
from dataflow.shared.tables import row_count, write_parquet
from dataflow.sources.database.reader import KIND
from dataflow.sources.database.settings import DatabaseSource
from dataflow.sources.errors import (
    SourceError,
    SourceNotFoundError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.kind import ReadRequest
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from collections.abc import Callable

ODD = 'odd "name"; drop table trips; --:x%'


def read(url: str, last_value: Any = None, **source: Any) -> Any:
    parameters = {"batch_size": 100, "max_retries": 0, "timeout_seconds": 5}
    return read_source({"type": "database", "url": url, **source}, parameters, last_value)


# Postgres


@pytest.mark.slow
def test_postgres_types(postgres: str, execute: Any) -> None:
    """Postgres' usual types arrive as what they are; JSON arrives as text, times in UTC."""
    key = uuid.UUID(int=2**100)
    execute(
        "CREATE TABLE t (i int, b bigint, n numeric(10,2), f float8, s text, d date, ts timestamp, "
        "tz timestamptz, ok bool, u uuid, j jsonb, a int[], y bytea, e text)"
    )
    execute(
        "INSERT INTO t VALUES (1, 5000000000, 1.50, 0.5, 'é', '2020-01-02', "
        "'2020-01-02 03:04:05', "
        f"'2020-01-02 03:04:05+02', true, '{key}', '{{\"a\": [1]}}', '{{1,2}}', 'x', null), "
        "(null, null, 12345.67, null, null, null, null, null, null, null, null, null, null, null)"
    )
    result = read(postgres, table="t")
    rows = result["data"].to_pylist()
    assert rows[0] == {
        "i": 1,
        "b": 5_000_000_000,
        "n": Decimal("1.50"),
        "f": 0.5,
        "s": "é",
        "d": date(2020, 1, 2),
        "ts": datetime(2020, 1, 2, 3, 4, 5),
        "tz": datetime(2020, 1, 2, 1, 4, 5, tzinfo=UTC),
        "ok": True,
        "u": key,
        "j": '{"a": [1]}',
        "a": [1, 2],
        "y": b"x",
        "e": None,
    }
    assert rows[1]["n"] == Decimal("12345.67")
    assert PASSWORD not in str(result["metadata"])


def test_postgres_in_batches(postgres: str, execute: Any) -> None:
    """Many rows arrive in their order; a column that is null at first takes its later type."""
    execute(
        "CREATE TABLE t AS SELECT n AS id, CASE WHEN n > 11000 THEN n END AS late "
        "FROM generate_series(1, 12000) n"
    )
    table = read(postgres, query="SELECT * FROM t ORDER BY id;")["data"]
    assert table["id"].to_pylist() == list(range(1, 12_001))
    assert table["late"][11_999].as_py() == 12_000


def test_queries_are_taken_as_they_are(postgres: str, execute: Any) -> None:
    """Colons, casts, percent signs, comments and semicolons in a query are only its text."""
    execute("CREATE TABLE t AS SELECT 1 AS id, 'a:b' AS s")
    query = (
        "WITH x AS (SELECT * FROM t) SELECT id::text AS id, s LIKE '%a:%' AS ok FROM x -- :id\n;"
    )
    assert read(postgres, query=query)["data"].to_pylist() == [{"id": "1", "ok": True}]


def test_table_names_are_only_names(postgres: str, execute: Any) -> None:
    """A name with quotes and SQL in it is read, and runs nothing."""
    execute("CREATE TABLE trips (id int)")
    quoted = ODD.replace('"', '""')
    execute(f'CREATE TABLE "{quoted}" ("{quoted}" int)')
    execute(f'INSERT INTO "{quoted}" VALUES (7)')
    result = read(postgres, table=ODD, incremental={"column": ODD, "initial_value": 1})
    assert result["data"].to_pylist() == [{ODD: 7}]
    assert read(postgres, table="trips")["data"].num_rows == 0
    with pytest.raises(SourceNotFoundError):
        read(postgres, table='trips"; DROP TABLE trips; --')
    assert read(postgres, table="trips")["data"].column_names == ["id"]


def test_postgres_schema_and_near_misses(postgres: str, execute: Any) -> None:
    """`schema` chooses; a misspelt table says what there is."""
    execute("CREATE SCHEMA other")
    execute("CREATE TABLE other.trips AS SELECT 1 AS id")
    execute("CREATE VIEW other.some_view AS SELECT 2 AS id")
    assert read(postgres, table="trips", schema="other")["data"].to_pylist() == [{"id": 1}]
    assert read(postgres, table="some_view", schema="other")["data"].to_pylist() == [{"id": 2}]
    with pytest.raises(SourceNotFoundError, match=r"other\.trip ") as caught:
        read(postgres, table="trip ", schema="other")
    assert "other.trips" in caught.value.instruction


def test_postgres_is_not_written_to(postgres: str, execute: Any) -> None:
    """A query that writes is refused by the server."""
    execute("CREATE TABLE t AS SELECT 1 AS id")
    execute("CREATE FUNCTION f() RETURNS int AS 'DELETE FROM t RETURNING id' LANGUAGE sql")
    with pytest.raises(SourceError, match="read-only transaction"):
        read(postgres, query="SELECT f() AS id")
    assert read(postgres, table="t")["data"].num_rows == 1


def test_unreachable_server_is_named_without_its_password(
    postgres: str, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    """A wrong password and a server that is not there are one clear error each."""
    for url in (
        postgres.replace(PASSWORD, "wrong-secret"),
        "postgresql://u:wrong-secret@127.0.0.1:1/x",
    ):
        with pytest.raises(SourceUnavailableError, match=r"127\.0\.0\.1.*in 1 attempt:") as caught:
            read(url, table="t")
        said = str(caught.value) + caplog.text + "".join(capfd.readouterr())
        assert "wrong-secret" not in said


def test_user_and_password_apart_from_the_url(postgres: str, execute: Any) -> None:
    """`username` and `password` of the source are used."""
    execute("CREATE TABLE t AS SELECT 1 AS id")
    bare = postgres.replace(f"tester:{PASSWORD}@", "")
    assert read(bare, table="t", username="tester", password=PASSWORD)["data"].num_rows == 1


# Incremental


@pytest.fixture(params=["postgres", "duckdb", "sqlite"])
def database(request: Any, tmp_path: Path) -> tuple[str, Callable[[str], None]]:
    """A database of each kind, and how to run SQL on it."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres"), request.getfixturevalue("execute")
    path = tmp_path / f"data.{request.param}"

    def run(sql: str) -> None:
        if request.param == "duckdb":
            with duckdb.connect(str(path)) as connection:
                connection.execute(sql)
        else:
            connected = sqlite3.connect(path)
            connected.execute(sql)
            connected.commit()
            connected.close()

    return str(path), run


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["timestamp", "integer", "date", "numeric(8,2)"])
def test_incremental_reads_every_row_once(database: Any, kind: str) -> None:
    """Rows at the last value come once, late rows with the same value and new rows come too."""
    values = {
        "timestamp": ("'2020-01-01 10:00:00'", "'2020-01-02 11:00:00'", "'2020-01-02 23:00:00.5'"),
        "date": ("'2020-01-01'", "'2020-01-02'", "'2020-01-03'"),
        "integer": ("9", "10", "11"),
        "numeric(8,2)": ("1.25", "10.5", "11.75"),
    }[kind]
    url, execute = database
    execute(f"CREATE TABLE t (id int, seen_at {kind})")
    execute(f"INSERT INTO t VALUES (1, {values[0]}), (2, {values[1]}), (0, null)")
    first = read(
        url,
        table="t",
        incremental={"column": "SEEN_AT"} if "post" not in url else {"column": "seen_at"},
    )
    assert sorted(first["data"]["id"].to_pylist()) == [0, 1, 2]
    assert "1 rows have no" in first["metadata"]["notes"][0]
    saved = json.loads(json.dumps(first["metadata"]["last_value"]))
    again = read(url, table="t", last_value=saved, incremental={"column": "seen_at"})
    assert again["data"].num_rows == 0
    assert again["metadata"]["last_value"] == saved
    execute(f"INSERT INTO t VALUES (3, {values[1]}), (4, {values[2]}), (5, {values[0]})")
    third = read(url, query="SELECT * FROM t", last_value=saved, incremental={"column": "seen_at"})
    assert sorted(third["data"]["id"].to_pylist()) == [3, 4]
    fourth = read(
        url,
        table="t",
        last_value=third["metadata"]["last_value"],
        incremental={"column": "seen_at"},
    )
    assert fourth["data"].num_rows == 0


def test_incremental_column_that_is_not_there(database: Any) -> None:
    """A misspelt column is an error, with or without a last value."""
    url, execute = database
    execute("CREATE TABLE t (id int)")
    execute("INSERT INTO t VALUES (1)")
    for last_value in (None, 1):
        with pytest.raises((SourceSettingError, SourceError), match="nope"):
            read(url, table="t", last_value=last_value, incremental={"column": "nope"})


# Files


def test_kind_of_file_is_told_by_its_content(database: Any, project: Path) -> None:
    """A DuckDB or SQLite file is read by whatever name, from the project's folder too."""
    url, execute = database
    if "://" in url:
        pytest.skip("not a file")
    execute("CREATE TABLE trips (id int, s text)")
    execute("INSERT INTO trips VALUES (1, 'x')")
    shutil.copy(url, project / "copy.db")
    for location in ("copy.db", f"{Path(url).suffix[1:]}:///copy.db"):
        result = read(location, table="trips")
        assert result["data"].to_pylist() == [{"id": 1, "s": "x"}]
    with pytest.raises(SourceNotFoundError, match="trip") as caught:
        read("copy.db", table="trip")
    assert "trips" in caught.value.instruction
    with pytest.raises(SourceNotFoundError, match=r"copi\.db"):
        read("copi.db", table="trips")
    with pytest.raises(SourceError, match="query on"):
        read("copy.db", query="SELECT nothing FROM nowhere")


def test_sqlite_values_of_several_kinds(tmp_path: Path) -> None:
    """SQLite columns may hold anything: mixtures become text and are told, dates are found."""
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (d, m, n)")
    connection.executemany(
        "INSERT INTO t VALUES (?, ?, ?)", [("2020-01-01", 1, 1), ("2020-01-02", "x", 2.5)]
    )
    connection.commit()
    connection.close()
    result = read(str(path), table="t")
    assert result["data"].to_pylist() == [
        {"d": date(2020, 1, 1), "m": "1", "n": 1.0},
        {"d": date(2020, 1, 2), "m": "x", "n": 2.5},
    ]
    assert any("'m'" in note for note in result["metadata"]["notes"])


def test_kinds_that_differ_from_batch_to_batch_are_text_and_told(tmp_path: Path) -> None:
    """A value of another kind may come late, when thousands of rows have gone by."""
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (v)")
    values = [(number,) for number in range(5_000)] + [("x",)]
    connection.executemany("INSERT INTO t VALUES (?)", values)
    connection.commit()
    connection.close()
    result = read(str(path), table="t")
    assert result["data"]["v"].to_pylist()[-2:] == ["4999", "x"]
    assert "'v' has values of several kinds" in result["metadata"]["notes"][0]


def test_lengths_of_time_are_texts_that_can_be_cast(tmp_path: Path) -> None:
    """Intervals get through the Parquet files between the steps, and none of them is lost."""
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT INTERVAL 26 HOUR AS took UNION ALL SELECT NULL"
        )
    result = read(str(path), table="t")
    write_parquet(result["data"], tmp_path / "a.parquet")
    cast = f"SELECT CAST(took AS INTERVAL) FROM '{tmp_path}/a.parquet'"
    assert sorted(duckdb.sql(cast).fetchall(), key=str) == [(None,), (timedelta(hours=26),)]
    assert "cast it to interval" in result["metadata"]["notes"][0]


def test_values_of_one_type_or_another_are_texts(tmp_path: Path) -> None:
    """A union, which Parquet has no type for, arrives as text."""
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t (v UNION(n INTEGER, s VARCHAR))")
        connection.execute("INSERT INTO t VALUES (1), ('x'), (NULL)")
    assert read(str(path), table="t")["data"].to_pydict() == {"v": ["1", "x", None]}


def test_files_are_not_written_to(database: Any) -> None:
    """A query that writes is refused, and nothing is written."""
    url, execute = database
    execute("CREATE TABLE t (id int)")
    execute("INSERT INTO t VALUES (1)")
    with pytest.raises((SourceError, SourceSettingError)):
        read(url, query="DELETE FROM t RETURNING id")
    assert read(url, table="t")["data"].num_rows == 1


def test_a_duckdb_file_may_be_read_by_others_meanwhile(tmp_path: Path) -> None:
    """It is opened to read only, which DuckDB lets any number of readers do at once."""
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
    with duckdb.connect(str(path), read_only=True):
        assert read(str(path), table="t")["data"].num_rows == 1


@pytest.mark.slow
def test_locked_duckdb_file_is_one_clear_error(tmp_path: Path) -> None:
    """A file that another process writes to says so."""
    path = tmp_path / "a.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(SourceUnavailableError, match="cannot be opened"):
            read(str(path), table="t")
        holder.communicate(b"\n")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "needs `table` or `query`"),
        ({"table": "a", "query": "b"}, "stands beside `table`; keep one"),
    ],
)
def test_either_table_or_query(tmp_path: Path, source: dict[str, str], said: str) -> None:
    """Neither and both are refused."""
    with pytest.raises(SourceSettingError, match=said):
        read(str(tmp_path / "x.duckdb"), **source)


def test_an_empty_file_is_a_sqlite_database_where_the_scheme_says_so(project: Path) -> None:
    """SQLite makes an empty file when it opens one; by its content it could be anything."""
    (project / "empty.db").touch()
    (project / "notes.db").write_text("notes", encoding="utf-8")
    with pytest.raises(SourceNotFoundError, match="no table t"):
        read("sqlite:///empty.db", table="t")
    for url in ("empty.db", "sqlite:///notes.db", "file:///empty.db"):
        with pytest.raises(SourceSettingError, match="neither a DuckDB nor a SQLite file"):
            read(url, table="t")


@pytest.mark.parametrize(("limit", "rows", "whole"), [(2, 2, False), (3, 3, True), (9, 3, True)])
def test_a_limit_tells_whether_there_are_more(
    database: Any, limit: int, rows: int, whole: bool
) -> None:
    """An inspection gets the rows that it asks for, and knows whether these are all."""
    url, execute = database
    execute("CREATE TABLE t (id int)")
    execute("INSERT INTO t VALUES (1), (2), (3)")
    settings = DatabaseSource(type="database", url=url, table="t")
    extracted = KIND.read(settings, ReadRequest(Parameters(), limit=limit))
    assert (row_count(extracted.data), extracted.whole) == (rows, whole)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is no database says so."""
    (tmp_path / "a.db").write_text("hello", encoding="utf-8")
    with pytest.raises(SourceSettingError, match="neither a DuckDB nor a SQLite file"):
        read(str(tmp_path / "a.db"), table="t")
