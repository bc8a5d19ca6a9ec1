"""Many rows of Postgres by DuckDB's extension: the same values as in the other way, or none."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from dataflow.shared.errors import DataflowError
from dataflow.sources.database import postgres_bulk
from dataflow.sources.kept_rows import rows_kept_in
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

pytest.importorskip("duckdb_extension_postgres_scanner")

# Type, and values as SQL: what programs misread, of types that the extension is asked for.
ODD: list[tuple[str, list[str]]] = [
    ("numeric", ["1.5", "-0.000000000000000001", "99999999999999999999.25"]),
    ("numeric(10,2)", ["1.5", "-99999999.99", "0"]),
    ("numeric(38,0)", [f"{10**38 - 1}", f"-{10**38 - 1}", "1"]),
    ("numeric(2,5)", ["0.00012", "-0.00099", "0"]),
    ("numeric(3,-2)", ["12345", "-99900", "0"]),
    ("real", ["0.1", "'NaN'", "3.4028235e38"]),
    ("float8", ["'-0'", "'Infinity'", "5e-324"]),
    ("text", ["''", r"E'a\nb\"c''d%s \\x'", "'łü😀 {}'"]),
    ("char(4)", ["'ab'", "'    '", "'abcd'"]),
    ("varchar(9)", ["' a '", "'%'", "'NULL'"]),
    ("bytea", [r"'\x'", r"'\x00ff'", r"'\x27'"]),
    ("boolean", ["true", "false", "true"]),
    ("smallint", ["-32768", "32767", "0"]),
    ("oid", ["4294967295", "0", "1"]),
    ("date", ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'"]),
    ("timestamp", ["'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.5'"]),
    ("timestamptz", ["'0001-01-02 00:00+00'", "'2024-03-31 02:30+02'", "'1900-01-01 00:00+00'"]),
    ("time", ["'00:00'", "'23:59:59.999999'", "'12:00:00.5'"]),
    ("interval", ["'1 year -3 days 04:05:06.5'", "'-1 mon'", "'0'"]),
    (
        "uuid",
        ["'00000000-0000-0000-0000-0000000000ff'", "'" + 32 * "f" + "'", "'" + 32 * "0" + "'"],
    ),
    ("json", ["""'{"a":  1}'""", "'null'", "'[1.50]'"]),
    ("jsonb", ["""'{"b":1, "a":[1.50]}'""", "'null'", "'1e2'"]),
]


@pytest.fixture
def both(postgres: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Reads a source in both ways; whether the extension gave rows, and what came of each.

    Written down as they come, as a run has them, the rows are the same.
    """
    given: list[bool] = []
    original = postgres_bulk.read_bulk

    def noted(*arguments: Any) -> Any:
        found = original(*arguments)
        given.append(found is not None)
        return found

    monkeypatch.setattr(postgres_bulk, "read_bulk", noted)

    def read(last_value: Any = None, **source: Any) -> tuple[bool, Any, Any]:
        found = []
        given.clear()
        for fewest in (-1.0, math.inf):
            monkeypatch.setattr(postgres_bulk, "FEWEST_ROWS", fewest)
            found.append(
                read_source(
                    {"type": "database", "url": postgres, **source},
                    {"max_retries": 0, "last_value": last_value},
                )
            )
        assert given[1:] == [False]
        bulk, plain = found
        monkeypatch.setattr(postgres_bulk, "FEWEST_ROWS", -1.0)
        with rows_kept_in(tmp_path / "read"):
            kept = read_source(
                {"type": "database", "url": postgres, **source},
                {"max_retries": 0, "last_value": last_value},
            )
            if given[0] and last_value is None:
                assert kept["data"].path is not None
            assert differences(kept["data"].table, bulk["data"]) == []
            assert kept["metadata"].get("notes") == bulk["metadata"].get("notes")
            assert kept["metadata"].get("last_value") == bulk["metadata"].get("last_value")
        return given[0], bulk, plain

    return read


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """A list that gets an item with each call of a function of the module."""
    calls: list[Any] = []
    original = getattr(postgres_bulk, name)

    def noted(*given: Any) -> Any:
        calls.append(given)
        return original(*given)

    monkeypatch.setattr(postgres_bulk, name, noted)
    return calls


def differences(one: pa.Table, other: pa.Table) -> list[Any]:
    """The columns whose type or values differ between two tables; NaN is NaN."""
    assert one.column_names == other.column_names
    pairs = [(one[name], other[name]) for name in one.column_names]
    return [
        (name, *((str(column.type), column.to_pylist()) for column in pair))
        for name, pair in zip(one.column_names, pairs, strict=True)
        if len({(str(column.type), repr(column.to_pylist())) for column in pair}) > 1
    ]


@pytest.mark.slow
def test_odd_values_are_the_same_in_both_ways(
    execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """A wide table of what programs misread, with nulls: types, values and notes are the same."""
    columns = ", ".join(f'"c {i}""%" {kind}' for i, (kind, _) in enumerate(ODD))
    execute(f"CREATE TABLE t (id int, {columns})")
    for number in range(3):
        execute(f"INSERT INTO t VALUES ({number}, {', '.join(v[number] for _, v in ODD)})")
    execute("INSERT INTO t (id) VALUES (3)")
    is_bulk, bulk, plain = both(table="t")
    assert is_bulk
    assert differences(bulk["data"], plain["data"]) == []
    assert bulk["metadata"].get("notes") == plain["metadata"].get("notes")
    for query in ("SELECT * FROM t ORDER BY id DESC;", "SELECT * FROM t WHERE id > 9 -- none"):
        is_bulk, bulk, plain = both(query=query)
        assert is_bulk
        assert differences(bulk["data"], plain["data"]) == []


# Type, a value as SQL, and whether the extension gives the rows.
TURNED_DOWN: list[tuple[str, str, bool]] = [
    ("cents", "1.5", True),
    ("numeric", "'NaN'", True),
    ("numeric", "1e37 + 0.01", True),
    ("numeric(50,2)", "1.5", True),
    ("numeric(10,2)", "'NaN'", False),
    ("date", "'0044-03-15 BC'", False),
    ("date", "'10000-01-01'", False),
    ("timestamp", "'-infinity'", False),
    ("timestamptz", "'infinity'", False),
    ("time", "'24:00:00'", False),
    ("timetz", "'10:00:00+02'", False),
    ("inet", "'10.0.0.1/8'", False),
    ("mood", "'so so'", False),
    ("int[]", "array[[1,2],[3,4]]", False),
]


@pytest.mark.slow
def test_what_the_extension_misreads_comes_in_the_other_way(
    execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """By its type before anything is read, or by a value that is found among the rows."""
    execute("CREATE TYPE mood AS ENUM ('so so')")
    execute("CREATE DOMAIN cents AS numeric(12,2)")
    for kind, value, wanted in TURNED_DOWN:
        execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (v {kind})")
        execute(f"INSERT INTO t VALUES ({value}), (NULL)")
        is_bulk, bulk, plain = both(table="t")
        assert (kind, value, is_bulk) == (kind, value, wanted)
        assert differences(bulk["data"], plain["data"]) == []
        assert bulk["metadata"].get("notes") == plain["metadata"].get("notes")


@pytest.mark.slow
def test_an_incremental_read_goes_on_in_either_way(
    execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """The mark that one way leaves means the same rows to the other."""
    execute("CREATE TABLE t (at timestamptz, n numeric(9,3))")
    execute(
        "INSERT INTO t SELECT '2024-01-01'::timestamptz + n * interval '1 min', n / 3.0 "
        "FROM generate_series(1, 500) n"
    )
    source = {"table": "t", "incremental": {"column": "at"}}
    _, bulk, plain = both(**source)
    assert bulk["metadata"]["last_value"] == plain["metadata"]["last_value"]
    execute("INSERT INTO t SELECT at + interval '1 day', n FROM t WHERE n < 1")
    is_bulk, bulk, plain = both(bulk["metadata"]["last_value"], **source)
    assert is_bulk
    assert bulk["data"].num_rows == 2
    assert differences(bulk["data"], plain["data"]) == []
    assert bulk["metadata"]["last_value"] == plain["metadata"]["last_value"]


@pytest.mark.slow
def test_an_incremental_read_costs_what_is_new(
    postgres: str, execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """With an index on its column, the server looks at no more rows than it sends, or a few."""
    execute("CREATE TABLE t AS SELECT n, md5(n::text) AS v FROM generate_series(1, 20000) n")
    execute("CREATE INDEX ON t (n)")
    source = {"table": "t", "incremental": {"column": "n"}}
    _, bulk, plain = both(**source)
    assert bulk["data"].num_rows == len(plain["data"]) == 20_000
    execute("INSERT INTO t SELECT n, 'new' FROM generate_series(20001, 20010) n")
    execute("ANALYZE t")
    with psycopg.connect(postgres, autocommit=True) as connection:
        before = looked_at(connection, 0)
        is_bulk, bulk, plain = both(bulk["metadata"]["last_value"], **source)
        after = looked_at(connection, before + 20)
    assert is_bulk
    assert bulk["data"].num_rows == len(plain["data"]) == 10
    assert after - before <= 1_000


def looked_at(connection: psycopg.Connection[Any], least: int) -> int:
    """How many rows of the table the server has looked at, as soon as it knows of so many."""
    until = time.monotonic() + 20
    while True:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        row = connection.execute(
            "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables "
            "WHERE relname = 't'"
        ).fetchone()
        if row is not None and row[0] >= least:
            return int(row[0])
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_query_may_only_read_in_either_way(
    postgres: str, execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """A function that writes is refused, in the words of the other way, and nothing is kept."""
    execute("CREATE TABLE kept (n int)")
    execute(
        "CREATE FUNCTION keep() RETURNS int LANGUAGE sql VOLATILE "
        "AS $$ INSERT INTO kept VALUES (1) RETURNING n $$"
    )
    with pytest.raises(DataflowError, match="read-only transaction"):
        both(query="SELECT keep() AS n")
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_fault_on_the_way_is_told_as_in_the_other_way(
    execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """A row of which the query fails: what is said names no address and no password."""
    execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n")
    with pytest.raises(DataflowError, match="division by zero") as raised:
        both(query="SELECT 1 / (n - 999) AS n FROM t")
    assert "pw-of" not in str(raised.value)


@pytest.mark.slow
def test_few_rows_make_no_other_connection(
    postgres: str, execute: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own estimate; so do rows of a machine without the extension."""
    execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 60000) n")
    execute("ANALYZE t")
    read = counted(monkeypatch, "_read")
    source: dict[str, Any] = {"type": "database", "url": postgres}
    assert read_source({**source, "query": "SELECT * FROM t LIMIT 9"}, {})["data"].num_rows == 9
    assert not read
    assert read_source({**source, "table": "t"}, {})["data"].num_rows == 60_000
    assert len(read) == 1
    monkeypatch.setattr(postgres_bulk, "_extension", lambda: None)
    assert read_source({**source, "table": "t"}, {})["data"].num_rows == 60_000
    assert len(read) == 1


@pytest.mark.slow
def test_rows_that_stop_coming_are_not_waited_for(
    postgres: str, execute: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is for the next rows, not for all: what goes on is read, what stands still is ended."""
    execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 60000) n")
    execute("ANALYZE t")
    source: dict[str, Any] = {"type": "database", "url": postgres}
    parameters = {"timeout_seconds": 0.5, "max_retries": 0}
    bulk = counted(monkeypatch, "_typed")
    monkeypatch.setattr(postgres_bulk, "FEWEST_ROWS", 0)
    # Every fourth of a second some rows, for two seconds: one statement takes longer than it may.
    goes_on = "SELECT n FROM t WHERE n % 7500 > 0 OR pg_sleep(0.25) IS NOT NULL"
    assert read_source({**source, "query": goes_on}, parameters)["data"].num_rows == 60_000
    assert len(bulk) == 1
    stands = "SELECT n FROM t WHERE n < 60000 OR pg_sleep(30) IS NOT NULL"
    began = time.monotonic()
    with pytest.raises(DataflowError, match="gave no answer within 0.5 seconds"):
        read_source({**source, "query": stands}, parameters)
    assert time.monotonic() - began < 10
    with psycopg.connect(postgres) as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
        assert connection.execute(f"{left} AND state = 'active'".encode()).fetchone() == (1,)
