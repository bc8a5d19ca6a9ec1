"""A value of a database arrives as what it is there, whatever its type; or as its text."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.database_fixtures import ODD_PASSWORD

from dataflow.shared.errors import DataflowError
from dataflow.shared.tables import write_parquet
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa


def read(url: str, **source: Any) -> Any:
    parameters = {"max_retries": 0, "timeout_seconds": 10}
    return read_source({"type": "database", "url": url, **source}, parameters)


def maria(url: str, **source: Any) -> Any:
    return read(url, username="tester", password=ODD_PASSWORD, **source)


def stored(table: pa.Table, folder: Path) -> list[tuple[str, Any]]:
    """Each column's type and first value as the warehouse has them, the values as text."""
    write_parquet(table, folder / "rows.parquet")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.sql(f"FROM '{folder}/rows.parquet'")
        texts = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in rows.columns)
        first = rows.project(texts).fetchone() or ()
        return list(zip(map(str, rows.types), first, strict=True))


# Type, value as SQL, and what arrives: type and text. Text where the value's own text is meant.
POSTGRES: list[tuple[str, str, str, str | None]] = [
    ("smallint", "-32768", "BIGINT", "-32768"),
    ("bigint", "9223372036854775807", "BIGINT", "9223372036854775807"),
    ("oid", "4294967295", "BIGINT", "4294967295"),
    ("numeric(10,2)", "1.5", "DECIMAL(10,2)", "1.50"),
    ("numeric(38,19)", "0.0000000000000000001", "DECIMAL(38,19)", "0.0000000000000000001"),
    ("numeric(3,-2)", "12345", "DECIMAL(5,0)", "12300"),
    ("numeric", "1.09", "DECIMAL(38,10)", "1.0900000000"),
    (
        "numeric",
        "(SELECT avg(n) FROM (VALUES (1), (2)) v (n))",
        "DECIMAL(38,18)",
        "1.500000000000000000",
    ),
    ("numeric", "1e34 + 0.01", "DECIMAL(38,2)", "1" + 34 * "0" + ".01"),
    ("numeric", f"1e{30}", "DECIMAL(38,0)", "1" + 30 * "0"),
    ("numeric", "1e37 + 0.01", "VARCHAR", "1" + 37 * "0" + ".01"),
    ("numeric", "'NaN'", "VARCHAR", "NaN"),
    ("numeric", "'-Infinity'", "VARCHAR", "-Infinity"),
    ("numeric(10,2)", "'NaN'", "VARCHAR", "NaN"),
    ("numeric(50,2)", "1.5", "VARCHAR", "1.50"),
    ("real", "0.1", "DOUBLE", "0.1"),
    ("float8", "'NaN'", "DOUBLE", "nan"),
    ("float8", "'-Infinity'", "DOUBLE", "-inf"),
    ("float8", "0.1::float8 + 0.2::float8", "DOUBLE", "0.30000000000000004"),
    ("boolean", "true", "BOOLEAN", "true"),
    ("date", "'9999-12-31'", "DATE", "9999-12-31"),
    ("date", "'0001-01-01'", "DATE", "0001-01-01"),
    ("date", "'10000-01-01'", "VARCHAR", "10000-01-01"),
    ("date", "'0044-03-15 BC'", "VARCHAR", "0044-03-15 BC"),
    ("date", "'infinity'", "VARCHAR", "infinity"),
    ("timestamp", "'2024-02-29 23:59:59.999999'", "TIMESTAMP", "2024-02-29 23:59:59.999999"),
    ("timestamp", "'-infinity'", "VARCHAR", "-infinity"),
    ("timestamptz", "'2024-01-01 00:00+02'", "TIMESTAMP WITH TIME ZONE", "2023-12-31 22:00:00+00"),
    ("timestamptz", "'infinity'", "VARCHAR", "infinity"),
    ("time", "'10:00:00.5'", "TIME", "10:00:00.5"),
    ("time", "'24:00:00'", "VARCHAR", "24:00:00"),
    ("timetz", "'10:00:00+02'", "VARCHAR", "10:00:00+02"),
    ("interval", "'1 year 2 months -3 days 04:05:06.5'", "VARCHAR", None),
    ("uuid", "'00000000-0000-0000-0000-0000000000ff'", "UUID", None),
    ("json", """'{"a":  1}'""", "VARCHAR", '{"a":  1}'),
    ("jsonb", """'{"b":1, "a":[1.50]}'""", "VARCHAR", None),
    ("bytea", r"'\x00ff'", "BLOB", r"\x00\xFF"),
    ("money", "1234.5", "VARCHAR", None),
    ("bit(3)", "b'101'", "VARCHAR", "101"),
    ("inet", "'10.0.0.1/8'", "VARCHAR", "10.0.0.1/8"),
    ("char(4)", "'ab'", "VARCHAR", "ab  "),
    ("int4range", "'[1,5)'", "VARCHAR", "[1,5)"),
    ("point", "'(1,2)'", "VARCHAR", "(1,2)"),
    ("xml", "'<a/>'", "VARCHAR", "<a/>"),
    ("mood", "'so so'", "VARCHAR", "so so"),
    ("mood[]", "array['so so'::mood]", "VARCHAR", '{"so so"}'),
    ("cents", "1.5", "DECIMAL(12,2)", "1.50"),
    ("pair", "row(1, 'a b')", "VARCHAR", '(1,"a b")'),
    ("int[]", "array[1, null, 3]", "BIGINT[]", "[1, NULL, 3]"),
    ("numeric(10,2)[]", "array[1.5]", "DECIMAL(10,2)[]", "[1.50]"),
    ("date[]", "array['2024-01-01'::date]", "DATE[]", "[2024-01-01]"),
    ("date[]", "array['infinity'::date]", "VARCHAR[]", "[infinity]"),
    ("int[]", "array[[1,2],[3,4]]", "VARCHAR", "[[1, 2], [3, 4]]"),
    ("text[]", """array['a,b', 'NULL', null]""", "VARCHAR[]", "['a,b', 'NULL', NULL]"),
]


@pytest.fixture
def types(execute: Callable[[str], None]) -> Callable[[str], None]:
    execute("CREATE TYPE mood AS ENUM ('so so')")
    execute("CREATE DOMAIN cents AS numeric(12,2)")
    execute("CREATE TYPE pair AS (x int, y text)")
    return execute


def test_every_type_of_postgres_arrives_as_declared_or_as_text(
    postgres: str, types: Callable[[str], None], tmp_path: Path
) -> None:
    """Each in a column of its own, beside a null; what the type does not hold is its text."""
    columns = ", ".join(f"c{i} {case[0]}" for i, case in enumerate(POSTGRES))
    types(f"CREATE TABLE t ({columns})")
    types(f"INSERT INTO t VALUES ({', '.join(case[1] for case in POSTGRES)})")
    types("INSERT INTO t (c0) VALUES (NULL)")
    with psycopg.connect(postgres) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        texts = ", ".join(f"c{i}::text" for i in range(len(POSTGRES)))
        own = connection.execute(f"SELECT {texts} FROM t LIMIT 1".encode()).fetchone() or ()
    found = stored(read(postgres, query="SELECT * FROM t ORDER BY c0")["data"], tmp_path)
    wanted = [(kind, text or own[i]) for i, (_, _, kind, text) in enumerate(POSTGRES)]
    assert found == wanted


def test_empty_tables_of_postgres_have_the_types_that_are_declared(
    postgres: str, types: Callable[[str], None]
) -> None:
    """So do columns without a value: what is nothing today is no text."""
    types(
        "CREATE TABLE t (n numeric(10,2), d date, ts timestamptz, b bool, f real, a numeric(5,1)[])"
    )
    declared = ["decimal128(10, 2)", "date32[day]", "timestamp[us, tz=UTC]", "bool", "double"]
    for _ in range(2):
        schema = read(postgres, table="t")["data"].schema
        assert [str(field.type) for field in schema][:5] == declared
        assert "decimal128(5, 1)" in str(schema.field("a").type)
        types("INSERT INTO t DEFAULT VALUES")


def _numbers(scale: int, digits: int) -> st.SearchStrategy[str]:
    most = 10 ** (digits - scale) - 1
    return st.decimals(-most, most, places=scale).map(str)


_DAYS = st.dates().map(str) | st.sampled_from(
    ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"]
)
_RANDOM = {
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False)
        .map(lambda d: format(d, "f"))
        .filter(lambda text: len(text) < 200),
        st.sampled_from(["NaN", "Infinity", "-Infinity"]),
        _numbers(2, 12),
    ),
    "numeric(12,3)": _numbers(3, 12) | st.just("NaN"),
    "numeric(60,30)": _numbers(30, 60),
    "float8": st.floats().map(str),
    "date": _DAYS,
    "timestamp": st.datetimes().map(str) | _DAYS,
    "timestamptz": st.datetimes().map(lambda t: f"{t}+05:30") | _DAYS,
    "time": st.times().map(str) | st.just("24:00:00"),
    "interval": st.timedeltas().map(
        lambda d: f"{d.days} days {d.seconds}.{d.microseconds:06} secs"
    ),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    "bytea": st.binary().map(lambda value: f"\\x{value.hex()}"),
    "uuid": st.uuids().map(str),
}


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), kind=st.sampled_from(sorted(_RANDOM)))
def test_random_values_arrive_with_the_text_that_postgres_has(
    postgres: str, tmp_path: Path, data: st.DataObject, kind: str
) -> None:
    """What the warehouse has, given back to Postgres as text, is the very same value there."""
    values = data.draw(st.lists(st.none() | _RANDOM[kind], min_size=1, max_size=4))
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("DROP TABLE IF EXISTS random")
        connection.execute(f"CREATE TABLE random (id int, v {kind})".encode())
        rows = []
        for number, value in enumerate(values):
            try:
                connection.execute(
                    f"INSERT INTO random VALUES (%s, %s::text::{kind})".encode(), [number, value]
                )
            except psycopg.Error:
                continue
            rows.append(number)
        write_parquet(
            read(postgres, query="SELECT * FROM random ORDER BY id")["data"], tmp_path / "r.parquet"
        )
        text = "'\\x' || hex(v)" if kind == "bytea" else "CAST(v AS VARCHAR)"
        with duckdb.connect() as warehouse:
            warehouse.execute("SET TimeZone = 'UTC'")
            found = warehouse.sql(
                f"SELECT id, {text} FROM '{tmp_path}/r.parquet' ORDER BY id"
            ).fetchall()
        assert [number for number, _ in found] == rows
        for number, arrived in found:
            same = connection.execute(
                f"SELECT v IS NOT DISTINCT FROM %s::text::{kind} FROM random WHERE id=%s".encode(),
                [arrived, number],
            ).fetchone()
            assert same == (True,), (kind, values, arrived)


MARIADB: list[tuple[str, str, str, str | None]] = [
    ("bigint unsigned", "18446744073709551615", "UBIGINT", "18446744073709551615"),
    ("tinyint(1)", "2", "BIGINT", "2"),
    ("int(5) zerofill", "42", "BIGINT", "42"),
    ("year", "2024", "BIGINT", "2024"),
    ("bit(12)", "b'101'", "UBIGINT", "5"),
    ("decimal(10,2) unsigned", "1.5", "DECIMAL(10,2)", "1.50"),
    ("decimal(38,0)", "-" + 38 * "9", "DECIMAL(38,0)", "-" + 38 * "9"),
    ("decimal(65,30)", "1.5", "VARCHAR", "1.5" + 29 * "0"),
    ("float", "0.1", "DOUBLE", "0.1"),
    ("double", "1e300", "DOUBLE", "1e+300"),
    ("date", "'2024-02-29'", "DATE", "2024-02-29"),
    ("date", "'0000-00-00'", "VARCHAR", "0000-00-00"),
    ("date", "'2024-00-10'", "VARCHAR", "2024-00-10"),
    ("datetime(6)", "'2024-01-02 03:04:05.000001'", "TIMESTAMP", "2024-01-02 03:04:05.000001"),
    ("datetime", "'0000-00-00'", "VARCHAR", "0000-00-00 00:00:00"),
    (
        *("timestamp", "'2024-06-01 12:00:00'"),
        *("TIMESTAMP WITH TIME ZONE", "2024-06-01 12:00:00+00"),
    ),
    ("timestamp", "'0000-00-00'", "VARCHAR", "0000-00-00 00:00:00"),
    ("time(3)", "'-838:59:59.5'", "VARCHAR", "-838:59:59.500"),
    ("enum('a','b')", "'b'", "VARCHAR", "b"),
    ("set('a','b')", "'a,b'", "VARCHAR", "a,b"),
    ("json", """'{"a": 1.50}'""", "VARCHAR", '{"a": 1.50}'),
    ("geometry", "ST_GeomFromText('POINT(1 2)')", "BLOB", None),
    ("blob", "x'00ff'", "BLOB", r"\x00\xFF"),
    ("varbinary(4)", "x'01'", "BLOB", r"\x01"),
    ("text character set latin1", "'é'", "VARCHAR", "é"),
    ("varchar(9) character set utf8mb4", "'😀'", "VARCHAR", "😀"),
    ("char(5)", "'ab'", "VARCHAR", "ab"),
    ("uuid", "'00000000-0000-0000-0000-0000000000ff'", "VARCHAR", None),
    ("inet6", "'::1'", "VARCHAR", "::1"),
]


@pytest.mark.slow
def test_every_type_of_mariadb_arrives_as_declared_or_as_text(
    mariadb: str, on_mariadb: Callable[[str], Any], tmp_path: Path
) -> None:
    """Zero dates, lengths of time and numbers too long are their text; nothing is null for it."""
    columns = ", ".join(f"c{i} {case[0]} NULL" for i, case in enumerate(MARIADB))
    on_mariadb("SET sql_mode = ''")
    on_mariadb("SET time_zone = '+00:00'")
    on_mariadb(f"CREATE TABLE t ({columns})")
    on_mariadb(f"INSERT INTO t VALUES ({', '.join(case[1] for case in MARIADB)})")
    data = maria(mariadb, table="t")["data"]
    found = stored(data, tmp_path)
    wanted = [
        (kind, text or (found[i][1] if kind == "BLOB" else value.strip("'")))
        for i, (_, value, kind, text) in enumerate(MARIADB)
    ]
    assert found == wanted
    on_mariadb("DELETE FROM t")
    empty = maria(mariadb, table="t")["data"]
    kinds = dict(zip([case[0] for case in MARIADB], map(str, empty.schema.types), strict=True))
    assert kinds["date"] == "date32[day]"
    assert kinds["decimal(10,2) unsigned"] == "decimal128(10, 2)"


def test_floats_of_mariadb_keep_the_digits_that_the_server_does_not_write(
    mariadb: str, on_mariadb: Callable[[str], Any]
) -> None:
    """It writes 1234567 as 1234570; a float is the shortest number that it is, as in Postgres."""
    on_mariadb("CREATE TABLE t (id int, `a``b` float, f float(7,2), d double)")
    on_mariadb("INSERT INTO t VALUES (1, 1234567, 12345.67, 0.1), (2, 0.1, NULL, NULL)")
    on_mariadb("INSERT INTO t VALUES (3, NULL, -1.5, 1e300), (4, 16777217, 0, 0)")
    for source in ({"table": "t"}, {"query": "SELECT * FROM t -- all"}):
        table = maria(mariadb, **source)["data"]
        assert table["a`b"].to_pylist() == [1234567.0, 0.1, None, 16777216.0]
        assert table["f"].to_pylist() == [12345.67, None, -1.5, 0.0]
        assert table["d"].to_pylist() == [0.1, None, 1e300, 0.0]


def test_columns_of_sqlite_without_a_value_have_the_types_that_are_declared(tmp_path: Path) -> None:
    """The values say what the others are, as SQLite lets them be anything."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.execute(
            "CREATE TABLE t (i INTEGER, b BIGINT, n NUMERIC(10,2), x NUMERIC, f DOUBLE PRECISION, "
            "d DATE, ts TIMESTAMP, ok BOOLEAN, s VARCHAR(9), y BLOB, untyped)"
        )
        wanted = ["int64", "int64", "decimal128(10, 2)", "string", "double", "date32[day]"]
        wanted += ["timestamp[us]", "bool", "string", "binary", "string"]
        for row in (None, "INSERT INTO t DEFAULT VALUES", "INSERT INTO t (i, d) VALUES (1, 'x')"):
            if row:
                connection.execute(row)
                connection.commit()
            schema = read(str(tmp_path / "a.sqlite"), table="t")["data"].schema
            if row and "x" in row:
                wanted[5] = "string"
            assert list(map(str, schema.types)) == wanted


def test_texts_of_sqlite_that_are_kept_as_bytes(tmp_path: Path) -> None:
    """They are the texts that they are, by a contract and without one; other bytes are refused."""
    url = str(tmp_path / "a.sqlite")
    source = {"type": "database", "url": url, "table": "t"}
    agreed = {"source": source, "columns": {"v": "text"}}
    with contextlib.closing(sqlite3.connect(url)) as connection:
        connection.execute("CREATE TABLE t (v TEXT)")
        for values in (["Köln", "Köln".encode()], ["Köln".encode()], [b"\xff"]):
            connection.execute("DELETE FROM t")
            connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
            connection.commit()
            if values == [b"\xff"]:
                with pytest.raises(DataflowError, match="'v', row 1: .* is no text"):
                    read_source(agreed, {})
                continue
            found = read_source(agreed, {})["data"]["v"].to_pylist()
            assert found == ["Köln"] * len(values)
            if len(values) > 1:
                assert read(url, table="t")["data"]["v"].to_pylist() == found


def test_odd_values_of_a_duckdb_file_arrive_as_text(tmp_path: Path) -> None:
    """Bits, zones of times, numbers of 39 digits and times without end are misread in files."""
    values = {
        "'10'::BIT": "10",
        "'10:00:00+02'::TIMETZ": "10:00:00+02",
        f"{2**128 - 1}::UHUGEINT": str(2**128 - 1),
        f"{10**38}::HUGEINT": str(10**38),
        f"{10**30}::HUGEINT": str(10**30),
        "'infinity'::DATE": "infinity",
        "'0044-03-15 (BC)'::TIMESTAMP": "0044-03-15 (BC) 00:00:00",
        "'24:00:00'::TIME": "24:00:00",
        "DATE '2024-01-01'": "2024-01-01",
        "1.5::DECIMAL(38,10)": "1.5000000000",
    }
    columns = ", ".join(f"{value} AS c{i}" for i, value in enumerate(values))
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {columns}")
    found = stored(read(str(tmp_path / "a.duckdb"), table="t")["data"], tmp_path)
    assert [text for _, text in found] == list(values.values())
    assert found[8][0] == "DATE"


def test_notes_name_the_value_that_makes_a_column_text(
    postgres: str, execute: Callable[[str], None]
) -> None:
    """A person learns which, and what else to do."""
    execute("CREATE TABLE t AS SELECT 'infinity'::date AS d, 1::numeric(40,0) AS n")
    notes = read(postgres, table="t")["metadata"]["notes"]
    assert notes[0] == "Column 'd' is text: it has 'infinity', which is no date here."
    assert "'n' has numbers of up to 40 digits" in notes[1]


def test_numeric_cursors_are_compared_as_numbers(
    postgres: str, execute: Callable[[str], None]
) -> None:
    """10.00 comes after 9.50, though not as text; no row comes twice for it."""
    execute("CREATE TABLE t (id int, v numeric(6,2))")
    execute("INSERT INTO t VALUES (1, 9.50)")
    source = {"type": "database", "url": postgres, "table": "t", "incremental": {"column": "v"}}
    first = read_source(source, {})["metadata"]["last_value"]
    execute("INSERT INTO t VALUES (2, 10.00)")
    second = read_source(source, {}, first)
    assert second["data"]["id"].to_pylist() == [2]
    assert second["metadata"]["last_value"]["value"] == "10.00"
    assert read_source(source, {}, second["metadata"]["last_value"])["data"].num_rows == 0


def test_values_are_what_python_makes_of_their_types(
    postgres: str, execute: Callable[[str], None]
) -> None:
    """An author's own step gets decimals, days and times, not texts of them."""
    execute(
        "CREATE TABLE t AS SELECT 1.50::numeric(9,2) AS n, date '2024-01-02' AS d, "
        "timestamp '2024-01-02 03:04' AS t"
    )
    assert read(postgres, table="t")["data"].to_pylist() == [
        {"n": Decimal("1.50"), "d": date(2024, 1, 2), "t": datetime(2024, 1, 2, 3, 4)}
    ]
