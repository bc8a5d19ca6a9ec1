"""Cursors that a database holds as text, and that the contract reads as a time or a number."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.database_fixtures import ODD_PASSWORD

from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.read import read_source

Execute = Callable[[str], None]


@pytest.fixture(params=["sqlite", "duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
def database(request: Any, tmp_path: Path) -> tuple[str, Execute]:
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


def read(url: str, column: dict[str, Any], last_value: Any = None, **asked: Any) -> dict[str, Any]:
    """The ids that come, how far the source was read, and the span that comes again."""
    source = {"type": "database", "url": url, "table": "t", "incremental": {"column": "seen_at"}}
    ingestion = {"source": source, "columns": {"id": {"type": "bigint"}, "seen_at": column}}
    parameters = {"batch_size": 100, "max_retries": 0, "timeout_seconds": 5, **asked}
    result = read_source(ingestion, parameters, last_value)
    metadata = result["metadata"]
    return {
        "ids": sorted(result["data"].to_pylist()[n]["id"] for n in range(result["data"].num_rows)),
        "reached": json.loads(json.dumps(metadata.get("last_value"))),
        "span": metadata.get("span"),
    }


def fill(execute: Execute, *texts: str | None, start: int = 1) -> None:
    for number, text in enumerate(texts, start):
        value = "NULL" if text is None else f"'{text}'"
        execute(f"INSERT INTO t VALUES ({number}, {value})")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        (
            {"type": "date", "format": "%d.%m.%Y"},
            ("30.12.2024", "31.12.2024", None),
            ("01.01.2025", "31.12.2024"),
        ),
        (
            {"type": "timestamptz"},
            ("2025-03-30T01:00:00+00:00", "2025-03-30T03:15:00+02:00"),
            ("2025-03-30T02:45:00+00:00", "2025-03-30T01:15:00+00:00"),
        ),
        ({"type": "bigint"}, ("9", "10"), ("11", "100")),
        ({"type": "timestamp"}, ("2025-03-29 09:00:00",), ("2025-03-29T10:00:00",)),
    ],
    ids=["days of another form", "offsets", "numbers", "two forms"],
)
def test_rows_go_by_their_values_and_not_by_their_texts(
    database: tuple[str, Execute],
    column: dict[str, Any],
    first: tuple[str | None, ...],
    second: tuple[str, ...],
) -> None:
    """What is later by its value comes, whatever its text begins with; nothing comes twice."""
    url, execute = database
    execute("CREATE TABLE t (id int, seen_at text)")
    fill(execute, *first)
    read_first = read(url, column)
    assert read_first["ids"] == list(range(1, len(first) + 1))
    fill(execute, *second, start=11)
    after = read(url, column, read_first["reached"])
    assert after["ids"] == list(range(11, 11 + len(second)))
    assert read(url, column, after["reached"])["ids"] == []


@pytest.mark.slow
def test_an_earlier_release_had_saved_the_text(database: tuple[str, Execute]) -> None:
    """It is read as the column's texts are."""
    url, execute = database
    execute("CREATE TABLE t (id int, seen_at text)")
    fill(execute, "31.12.2024", "01.01.2025")
    column = {"type": "date", "format": "%d.%m.%Y"}
    assert read(url, column, {"value": "31.12.2024", "seen": []})["ids"] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "since", ["2025-03-29T20:00:00", "2025-03-29 20:00:00", "2025-03-29T20:00Z"]
)
@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"])
def test_since_and_until_may_be_written_in_another_form(
    database: tuple[str, Execute], since: str, form: str
) -> None:
    """The rows that come are those of the span by which earlier ones are replaced."""
    url, execute = database
    execute("CREATE TABLE t (id int, seen_at text)")
    begin = datetime(2025, 3, 29, tzinfo=UTC)
    fill(execute, *((begin + timedelta(hours=n)).strftime(form) for n in range(25)))
    asked = read(url, {"type": "timestamp"}, since=since, until="2025-03-30")
    assert asked["ids"] == [21, 22, 23, 24]


def test_a_bound_that_is_no_such_value_is_refused(database: tuple[str, Execute]) -> None:
    """With how to write it."""
    url, execute = database
    execute("CREATE TABLE t (id int, seen_at text)")
    fill(execute, "31.12.2024")
    with pytest.raises(SourceSettingError, match="'soon' is no date") as raised:
        read(url, {"type": "date", "format": "%d.%m.%Y"}, since="soon")
    assert "2024-01-31" in raised.value.instruction


@pytest.mark.slow
def test_texts_that_are_no_values_come_once(database: tuple[str, Execute]) -> None:
    """The contract puts them aside or makes them null; they are not put aside again."""
    url, execute = database
    execute("CREATE TABLE t (id int, seen_at text)")
    fill(execute, "2025-01-01", "n/a", "2025-01-02")
    source = {"type": "database", "url": url, "table": "t", "incremental": {"column": "seen_at"}}
    ingestion = {
        "source": source,
        "columns": {"id": {"type": "bigint"}, "seen_at": {"type": "date"}},
        "on_change": {"bad_value": "null"},
    }
    parameters = {"batch_size": 100, "max_retries": 0, "timeout_seconds": 5}
    first = read_source(ingestion, parameters)
    assert first["data"].num_rows == 3
    again = read_source(ingestion, parameters, first["metadata"]["last_value"])
    assert again["data"].num_rows == 0


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 600), min_size=1, max_size=8), min_size=2, max_size=4))
def test_no_row_is_lost_and_none_comes_twice(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    """Of moments with offsets, which come in the order of time, as texts that have another one."""
    path = tmp_path_factory.mktemp("cursor") / "data.sqlite"
    connected = sqlite3.connect(path)
    connected.execute("CREATE TABLE t (id INTEGER, seen_at TEXT)")
    begin, minute, number, saved = datetime(2025, 3, 30, tzinfo=UTC), 0, 0, None
    came: list[int] = []
    for batch in batches:
        for step in batch:
            minute, number = minute + step, number + 1
            hours = number % 5 - 2
            local = begin + timedelta(minutes=minute, hours=hours)
            text = f"{local:%Y-%m-%dT%H:%M:%S}{hours:+03}:00"
            connected.execute("INSERT INTO t VALUES (?, ?)", (number, text))
        connected.commit()
        found = read(str(path), {"type": "timestamptz"}, saved)
        came, saved = came + found["ids"], found["reached"]
    connected.close()
    assert came == list(range(1, number + 1))


def ids_since(source: dict[str, Any], last_value: Any = None) -> tuple[list[int], Any]:
    """The ids that come, and how far the source was read."""
    own = {"type": "database", "table": "t", "incremental": {"column": "seen_at"}}
    result = read_source({**own, **source}, {}, last_value)
    return sorted(row["id"] for row in result["data"]), result["metadata"].get("last_value")


@pytest.mark.slow
def test_texts_that_a_server_orders_by_its_language(
    postgres: str, execute: Callable[[str], None]
) -> None:
    """What comes after a text there, and before it by its signs, is neither lost nor read twice."""
    execute('CREATE TABLE t (id int, seen_at text COLLATE "en-x-icu")')
    execute("INSERT INTO t VALUES (1, 'a1'), (2, 'a2')")
    ids, reached = ids_since({"url": postgres})
    execute("INSERT INTO t VALUES (3, 'a3'), (4, 'a2')")
    found, again = ids_since({"url": postgres}, reached)
    assert (ids, found, ids_since({"url": postgres}, again)[0]) == ([1, 2], [3, 4], [])
    execute("INSERT INTO t VALUES (5, 'B1')")
    with pytest.raises(SourceDataError, match="'B1' of 'seen_at' after 'a3'"):
        ids_since({"url": postgres}, again)
    execute("DROP TABLE t")
    execute("CREATE TABLE t (id int, seen_at uuid)")
    execute("INSERT INTO t VALUES (1, '018f0000-0000-7000-8000-000000000001')")
    _, reached = ids_since({"url": postgres})
    execute("INSERT INTO t VALUES (2, 'f18f0000-0000-7000-8000-000000000001')")
    assert ids_since({"url": postgres}, reached)[0] == [2]


@pytest.mark.slow
def test_texts_and_moments_of_mariadb(mariadb: str, on_mariadb: Callable[[str], Any]) -> None:
    """Texts are ordered there without case; moments are compared in UTC."""
    login = {"url": mariadb, "username": "tester", "password": ODD_PASSWORD}
    on_mariadb("CREATE TABLE t (id int, seen_at varchar(9))")
    on_mariadb("INSERT INTO t VALUES (1, 'b1')")
    ids, reached = ids_since(login)
    on_mariadb("INSERT INTO t VALUES (2, 'c1')")
    assert (ids, ids_since(login, reached)[0]) == ([1], [2])
    on_mariadb("INSERT INTO t VALUES (3, 'B2')")
    with pytest.raises(SourceDataError, match="'B2' of 'seen_at' after 'b1'"):
        ids_since(login, reached)
    on_mariadb("DROP TABLE t")
    on_mariadb("CREATE TABLE t (id int, seen_at timestamp(6))")
    on_mariadb("INSERT INTO t VALUES (1, '2024-01-01 10:00:00.5'), (2, '2024-01-01 11:00:00.5')")
    assert ids_since(login, "2024-01-01T12:00:00.500000+01:00")[0] == [2]
    ids, reached = ids_since(login)
    on_mariadb("INSERT INTO t VALUES (3, '2024-01-01 11:00:00.5'), (4, '2024-01-01 11:00:01')")
    assert (ids, ids_since(login, reached)[0]) == ([1, 2], [3, 4])


@pytest.mark.parametrize(
    ("texts", "later", "kind"),
    [
        (["8", "9"], "10", "bigint"),
        (["2024-01-01T10:00", "2024-01-02T10:00"], "2024-01-02 11:00", "timestamp"),
        (["2024-01-01 10:00:00Z"], "2024-01-01 10:00:00.5Z", "timestamptz"),
    ],
)
def test_texts_in_another_order_than_what_they_stand_for(
    database: tuple[str, Execute], texts: list[str], later: str, kind: str
) -> None:
    """Nothing is left out: it is refused, and read right by a type in the contract."""
    url, execute = database
    execute("CREATE TABLE t (id integer, seen_at varchar)")
    fill(execute, *texts)
    _, reached = ids_since({"url": url})
    execute(f"INSERT INTO t VALUES (9, '{later}')")
    with pytest.raises(SourceDataError, match="that are text in the source") as caught:
        ids_since({"url": url}, reached)
    assert "Set `type: " in caught.value.instruction
    assert read(url, {"type": kind}, reached)["ids"] == [9]
