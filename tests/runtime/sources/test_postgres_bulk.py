"""Many rows of Postgres by DuckDB's extension: the same values as in the other way, or none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.runtime.sources.test_database_types import POSTGRES

from dataflow.shared.errors import DataflowError
from dataflow.sources.database import postgres_bulk
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

pytest.importorskip("duckdb_extension_postgres_scanner")

# Beside one value of each kind in `POSTGRES`: type, and values as SQL, two of which are ordinary.
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
def both(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Reads a source in both ways; whether the extension gave rows, and what came of each."""
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
        return given[0], *found

    return read


def differences(one: pa.Table, other: pa.Table) -> list[Any]:
    """The columns whose type or values differ between two tables; NaN is NaN."""
    assert one.column_names == other.column_names
    pairs = [(one[name], other[name]) for name in one.column_names]
    return [
        (name, *((str(column.type), column.to_pylist()) for column in pair))
        for name, pair in zip(one.column_names, pairs, strict=True)
        if len({(str(column.type), repr(column.to_pylist())) for column in pair}) > 1
    ]


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


@pytest.mark.slow
def test_each_type_of_postgres_is_the_same_in_both_ways(
    postgres: str, execute: Callable[[str], None], both: Callable[..., Any]
) -> None:
    """Whatever the other way gives as text, or is not for the extension, comes in that way."""
    execute("CREATE TYPE mood AS ENUM ('so so')")
    execute("CREATE DOMAIN cents AS numeric(12,2)")
    execute("CREATE TYPE pair AS (x int, y text)")
    twice = "SELECT (CASE WHEN n = 1 THEN {} END)::{} AS v FROM generate_series(1, 2) n"
    by_bulk = {}
    for kind, value, _, _ in POSTGRES:
        is_bulk, bulk, plain = both(query=twice.format(value, kind))
        by_bulk[kind, value] = is_bulk
        assert differences(bulk["data"], plain["data"]) == [], (kind, value)
        assert bulk["metadata"].get("notes") == plain["metadata"].get("notes")
    assert by_bulk["numeric(10,2)", "1.5"]
    assert by_bulk["cents", "1.5"]
    assert not by_bulk["numeric(10,2)", "'NaN'"]
    assert not by_bulk["date", "'infinity'"]
    assert not by_bulk["time", "'24:00:00'"]
    assert not by_bulk["int[]", "array[[1,2],[3,4]]"]


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


def test_few_rows_make_no_other_connection(
    postgres: str, execute: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own estimate; so do rows of a machine without the extension."""
    execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 30000) n")
    execute("ANALYZE t")
    read = []
    original = postgres_bulk._read
    monkeypatch.setattr(
        postgres_bulk, "_read", lambda *given: (read.append(given[3]), original(*given))[1]
    )
    source: dict[str, Any] = {"type": "database", "url": postgres}
    assert read_source({**source, "query": "SELECT * FROM t LIMIT 9"}, {})["data"].num_rows == 9
    assert not read
    assert read_source({**source, "table": "t"}, {})["data"].num_rows == 30_000
    assert len(read) == 1
    monkeypatch.setattr(postgres_bulk, "_extension", lambda: None)
    assert read_source({**source, "table": "t"}, {})["data"].num_rows == 30_000
    assert len(read) == 1
