"""What a driver says, in our words: whether to try again, and what to do."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from dataflow.shared.config_model import Parameters
from dataflow.sources.database import connection as database
from dataflow.sources.database.connection import _faults_told, deadline, words
from dataflow.sources.errors import SourceDataError, SourceError, SourceUnavailableError
from dataflow.sources.retry import RequestFailedError

POSTGRES = sa.make_url("postgresql+psycopg://ann:secret@host/shop")
MARIA = sa.make_url("mariadb+pymysql://ann:secret@host/shop")
LIMIT = Parameters(timeout_seconds=7)


def told(error: Exception, *, opening: bool = False) -> Exception:
    is_postgres = not isinstance(getattr(error, "orig", error), pymysql.Error)
    url, dbapi = (POSTGRES, psycopg) if is_postgres else (MARIA, pymysql)
    with (
        pytest.raises((SourceError, RequestFailedError)) as caught,
        _faults_told(url, dbapi, LIMIT, opening=opening),
    ):
        raise error
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        psycopg.errors.QueryCanceled("canceled"),
        psycopg.OperationalError("timed out"),
        *(pymysql.OperationalError(number, "slow") for number in (1317, 1969, 3024)),
    ],
    ids=repr,
)
def test_an_answer_that_does_not_come_is_not_asked_for_again(error: Exception) -> None:
    """It is said how long was waited for it."""
    found = told(error)
    assert type(found) is SourceUnavailableError
    assert "host/shop gave no answer within 7 seconds" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection"),
        psycopg.errors.AdminShutdown("shut down"),
        psycopg.errors.ConnectionFailure("gone"),
        psycopg.errors.SerializationFailure("again"),
        psycopg.errors.DeadlockDetected("again"),
        psycopg.errors.TooManyConnections("full"),
        *(
            pymysql.OperationalError(number, "gone")
            for number in (1040, 1053, 1205, 1213, 1927, 2003, 2006, 2013, 2055)
        ),
    ],
    ids=repr,
)
def test_a_connection_that_was_lost_is_opened_again(error: Exception) -> None:
    """As is one that the server asks to try again."""
    found = told(error)
    assert isinstance(found, RequestFailedError)
    assert found.wait


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.OperationalError("timed out"), True),
        (psycopg.OperationalError("password authentication failed for user"), False),
        (psycopg.errors.InvalidPassword("no"), False),
        (psycopg.errors.InvalidCatalogName("no such database"), False),
        (pymysql.OperationalError(2003, "connection refused"), True),
        *((pymysql.OperationalError(number, "no"), False) for number in (1044, 1045, 1049, 1698)),
    ],
    ids=repr,
)
def test_a_login_that_is_refused_is_not_tried_again(error: Exception, *, again: bool) -> None:
    """It would be locked; a server that is not there yet may come."""
    found = told(sa.exc.OperationalError("", {}, error), opening=True)
    assert isinstance(found, RequestFailedError)
    assert found.wait is again


@pytest.mark.parametrize(
    "error", [psycopg.errors.UndefinedTable("none"), pymysql.ProgrammingError(1146, "none")]
)
def test_a_query_that_is_wrong_fails_with_the_first_line_of_why(error: Exception) -> None:
    """And one that cannot be opened with what to look at."""
    found = told(error)
    assert type(found) is SourceError
    assert "The query on" in str(found)
    assert type(told(error, opening=True)) is SourceUnavailableError
    assert type(told(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"))) is SourceDataError


def test_the_words_of_a_driver_are_those_before_its_sql() -> None:
    """Without what it adds; one that says nothing is called by its kind."""
    assert words(sa.exc.DBAPIError("SELECT 1", {}, ValueError("one.\ntwo"))) == "one"
    assert words(ValueError(" \n")) == "ValueError"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, socket.socket]:
    """A connection whose server never answers, and this side of it."""
    monkeypatch.setattr(database, "_GRACE_SECONDS", 0.01)
    near, far = socket.socketpair()
    driver = SimpleNamespace(pgconn=SimpleNamespace(socket=near.fileno()))
    driver.far = far
    connection = SimpleNamespace(driver_connection=driver)
    return SimpleNamespace(connection=connection, dialect=SimpleNamespace(name="postgresql")), near


def test_a_server_that_is_silent_is_not_waited_for(asked: tuple[Any, socket.socket]) -> None:
    """Whatever the driver makes of the end of its connection; other errors stay what they are."""
    connection, near = asked
    limit = Parameters(timeout_seconds=0.01)
    with pytest.raises(TimeoutError), deadline(connection, limit):
        raise OSError(f"it ended with {near.recv(1)!r}")
    before = threading.active_count()
    with pytest.raises(OSError, match="at once"), deadline(connection, Parameters()):
        raise OSError("at once")
    with deadline(connection, Parameters()):
        timer = next(each for each in threading.enumerate() if isinstance(each, threading.Timer))
    timer.join(5)
    assert threading.active_count() <= before
