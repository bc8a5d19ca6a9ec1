"""What a Postgres is asked before its rows are read in bulk, and while they are."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from dataflow.sources.database.postgres_bulk import (
    _END,
    _address,
    _columns,
    _expected_rows,
    _has_scale,
    _is_plain_server,
    _watched,
)


class Server:
    """Gives the answers that it has been told, in place of a connection."""

    def __init__(self, *rows: Any, columns: Any = (), version: int = 150_000, **given: str) -> None:
        self.rows: list[Any] = list(rows)
        self.asked: list[Any] = []
        self.ended, self.goes_on = threading.Event(), threading.Event()
        self.description = [SimpleNamespace(name=n, type_code=t) for n, t, _ in columns]
        self.pgresult = SimpleNamespace(fmod=lambda index: columns[index][2])
        self.adapters = psycopg.adapters
        encoding = given.pop("encoding", "UTF8")
        self.info = SimpleNamespace(
            server_version=version,
            password="secret",  # noqa: S106
            get_parameters=lambda: given,
            parameter_status=lambda name: encoding if name == "server_encoding" else None,
        )

    def cursor(self) -> Server:
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, sql: Any, _parameters: Any = ()) -> Server:
        self.asked.append(sql)
        if sql == _END:
            self.ended.set()
        if len(self.asked) > 5:
            self.goes_on.set()
        return self

    def fetchone(self) -> Any:
        return self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]

    def fetchall(self) -> Any:
        return self.rows


@pytest.mark.parametrize(
    ("server", "is_plain"),
    [
        (Server(host="one", port="5432"), True),
        (Server(version=140_000), True),
        (Server(version=139_999), False),
        (Server(host="one,two"), False),
        (Server(host="one", port="1,2"), False),
        (Server(encoding="SQL_ASCII"), False),
    ],
)
def test_only_one_server_that_is_not_too_old_is_read_in_bulk(
    server: Server, *, is_plain: bool
) -> None:
    """And one whose texts are in the encoding that it declares."""
    assert _is_plain_server(server) is is_plain


@pytest.mark.parametrize(
    ("digits", "scale", "has"), [(10, 2, True), (38, 0, True), (5, 5, True), (2, 5, False)]
)
def test_a_scale_within_the_digits_is_one_as_elsewhere(
    digits: int, scale: int, *, has: bool
) -> None:
    """Others, which Postgres has alone, are read as texts."""
    assert _has_scale(((digits << 16) | scale) + 4) is has


def test_only_columns_that_are_read_right_are_read_in_bulk() -> None:
    """Each with another name, and all of types that are known."""
    number, text, point = (("n", 1700, (10 << 16 | 2) + 4), ("t", 25, -1), ("p", 600, -1))
    found = _columns(Server(columns=[number, text]), "t")
    assert found is not None
    assert [(column.name, column.may_be_nan) for column in found] == [("n", True), ("t", False)]
    any_number = _columns(Server(columns=[("n", 1700, -1)]), "t")
    assert any_number is not None
    assert not any_number[0].may_be_nan
    for columns in ([], [text, text], [text, point]):
        assert _columns(Server(columns=columns), "t") is None
    assert _expected_rows(Server(([{"Plan": {"Plan Rows": 7}}],)), "t") == 7


def test_the_second_connection_only_reads_and_is_as_the_first() -> None:
    """With its login and its options; the limit is for the next of its rows."""
    raw = Server(host="one", user="ann", options="-c search_path=a", sslmode="")
    address = conninfo_to_dict(_address(raw, "dataflow-1"))
    assert address == {
        "host": "one",
        "user": "ann",
        "password": "secret",
        "application_name": "dataflow-1",
        "options": "-c search_path=a -c statement_timeout=0 -c default_transaction_read_only=on",
    }


@pytest.mark.parametrize("rows", [[(1,), (1,)], [None]])
def test_a_query_that_gives_no_more_rows_is_ended(rows: list[Any]) -> None:
    """By the server, which is asked how many it has given."""
    server = Server(*rows)
    with _watched(server, "dataflow-1", 0.001):
        assert server.ended.wait(10)


def test_a_query_that_goes_on_is_let_go_on() -> None:
    """And nothing is asked once it has ended."""
    server = Server(*((number,) for number in range(1_000)))
    with _watched(server, "dataflow-1", 0.001):
        assert server.goes_on.wait(10)
    asked = len(server.asked)
    assert not server.ended.wait(0.005)
    assert len(server.asked) == asked
