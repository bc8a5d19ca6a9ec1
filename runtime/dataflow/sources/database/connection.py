"""Connections to database servers: where they are, how long is waited for them, what goes wrong."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError
from dataflow.sources.database import mariadb, postgres
from dataflow.sources.errors import (
    SourceDataError,
    SourceError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.retry import RequestFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

    from dataflow.shared.config_model import Parameters
    from dataflow.sources.database.settings import DatabaseSource

_POSTGRES = "postgresql"
_MYSQL = ("mysql", "mariadb")
# How much longer than its server this side waits, before it takes the connection for lost.
_GRACE_SECONDS = 2.0
# The server, or what stands before it, ended the connection, or asks to try again.
_PASSING_STATES = ("08", "57P", "40001", "40P01", "53")
_PASSING_NUMBERS = (1040, 1053, 1205, 1213, 1927, 2003, 2006, 2013, 2055)
_REFUSED_STATES = ("28", "3D")
_REFUSED_NUMBERS = (1044, 1045, 1049, 1698)
_TIMED_OUT_STATE = "57014"
_TIMED_OUT_NUMBERS = (1317, 1969, 3024)


def server_address(url: str | URL, settings: DatabaseSource) -> URL:
    """The address to connect to, with the login of the settings.

    Postgres, MariaDB and MySQL are always read by the same driver, which hands values on as the
    server writes them, whichever driver the address names.

    Raises:
        SourceSettingError: It is not an address.
    """
    import sqlalchemy as sa

    if isinstance(url, str):
        url = url.replace("postgres://", "postgresql://", 1)
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise SourceSettingError(
            "`ingestion.source.url` is not the address of a database.",
            "Write it like postgresql://host:5432/database, or as the path of a file.",
        ) from error
    backend = address.get_backend_name()
    if backend == _POSTGRES:
        address = address.set(drivername="postgresql+psycopg")
    elif backend in _MYSQL:
        address = address.set(drivername=f"{backend}+pymysql")
    if settings.username:
        address = address.set(username=settings.username)
    if settings.password:
        address = address.set(password=settings.password)
    return address


def shown(address: URL) -> str:
    """An address as people may read it."""
    port = f":{address.port}" if address.port else ""
    return f"{address.get_backend_name()}://{address.host or ''}{port}/{address.database or ''}"


@contextmanager
def open_connection(address: URL, parameters: Parameters) -> Iterator[Connection]:
    """A connection in a transaction that nothing is kept of.

    Raises:
        RequestFailedError: It cannot be made, or is lost; another try may help.
        SourceUnavailableError: It took too long, or the database cannot be opened.
        SourceError: What was asked fails.
        MissingDependencyError: The driver is not installed.
    """
    import sqlalchemy as sa

    backend = address.get_backend_name()
    options: dict[str, Any] = {}
    if backend == _POSTGRES:
        options = postgres.connect_options(parameters)
    elif backend in _MYSQL:
        options = mariadb.connect_options(parameters, address.password or "")
    elif backend == "sqlite":
        options = {"timeout": parameters.timeout_seconds}
    try:
        engine = sa.create_engine(address, poolclass=sa.NullPool, connect_args=options)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        raise MissingDependencyError(
            f"The driver for {address.drivername} is not installed.",
            "For Postgres, MariaDB and MySQL, `pip install 'dataflow-runtime[database]'`; for "
            "others, the package that SQLAlchemy names for this dialect.",
        ) from error
    try:
        with _faults_told(address, engine.dialect.dbapi, parameters, opening=True):
            connection = engine.connect()
        try:
            if backend == _POSTGRES:
                connection = connection.execution_options(postgresql_readonly=True)
            with _faults_told(address, engine.dialect.dbapi, parameters):
                yield connection
        except BaseException as error:
            if backend in _MYSQL and isinstance(error, (SourceUnavailableError, KeyboardInterrupt)):
                # Postgres ends a query whose time is up; these would go on with it.
                _end_query(engine, connection)
            # One that is lost cannot be rolled back.
            with suppress(Exception):
                connection.invalidate()
            raise
        finally:
            with suppress(Exception):
                connection.rollback()
            with suppress(Exception):
                connection.close()
    finally:
        engine.dispose()


def _end_query(engine: Engine, connection: Connection) -> None:
    """Have a server end what it does for a connection, if it can still be reached."""
    with suppress(Exception):
        driver: Any = connection.connection.driver_connection
        with engine.connect() as other:
            other.exec_driver_sql(f"KILL {driver.thread_id()}")


@contextmanager
def deadline(connection: Connection, parameters: Parameters) -> Iterator[None]:
    """Wait for an answer for as long as the parameters say; then take the connection for lost.

    The server is told as well; this is for one that says nothing more.
    """
    if connection.dialect.name != _POSTGRES:
        yield
        return
    driver: Any = connection.connection.driver_connection
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        with suppress(OSError), socket.socket(fileno=os.dup(driver.pgconn.socket)) as own:
            own.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(parameters.timeout_seconds + _GRACE_SECONDS, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if expired.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


@contextmanager
def _faults_told(
    address: URL, dbapi: Any, parameters: Parameters, *, opening: bool = False
) -> Iterator[None]:
    """Raise in our words what the driver says. Its own may quote the login."""
    import sqlalchemy as sa

    try:
        yield
    except (sa.exc.SQLAlchemyError, TimeoutError, dbapi.Error) as error:
        origin = getattr(error, "orig", None) or error
        state, number = str(getattr(origin, "sqlstate", None) or ""), _number(origin)
        told = words(error)
        slow = isinstance(error, TimeoutError) or state == _TIMED_OUT_STATE
        if not opening and (slow or number in _TIMED_OUT_NUMBERS or "timed out" in told):
            raise SourceUnavailableError(
                f"{shown(address)} gave no answer within {parameters.timeout_seconds:g} seconds.",
                "Raise `ingestion.parameters.timeout_seconds`, read less at a time, or look what "
                "the database is busy with.",
            ) from None
        refused = state.startswith(_REFUSED_STATES) or number in _REFUSED_NUMBERS
        refused = refused or "password authentication failed" in told
        lost = bool(getattr(error, "connection_invalidated", False)) or number in _PASSING_NUMBERS
        lost = lost or state.startswith(_PASSING_STATES)
        # psycopg has no state where it is the connection that broke.
        lost = lost or (address.get_backend_name() == _POSTGRES and _is_broken(origin, dbapi))
        if isinstance(error, sa.exc.OperationalError) and opening:
            raise RequestFailedError(told, None, wait=not refused) from None
        if lost:
            raise RequestFailedError(f"the connection was lost: {told}", None, wait=True) from None
        if opening:
            raise SourceUnavailableError(
                f"{shown(address)} cannot be opened: {told}.",
                "Look at the address, the user and the password.",
            ) from error
        raise SourceError(
            f"The query on {shown(address)} fails: {told}.",
            "Correct `ingestion.source`: its table, query or incremental column.",
        ) from error
    except UnicodeDecodeError as error:
        raise SourceDataError(
            f"{shown(address)} gave a text that is not in the encoding which it declares.",
            "Cast the column to bytes in `ingestion.source.query`, or correct the text.",
        ) from error


def _is_broken(origin: Any, dbapi: Any) -> bool:
    return isinstance(origin, dbapi.OperationalError) and not getattr(origin, "sqlstate", None)


def _number(error: Any) -> int:
    """The number that MySQL and MariaDB give an error."""
    first = error.args[0] if getattr(error, "args", None) else None
    return first if isinstance(first, int) else 0


def words(error: Exception) -> str:
    """The first line of the driver's own words, without SQL and parameters."""
    origin = getattr(error, "orig", None)
    lines = str(origin if origin is not None and str(origin) else error).strip().splitlines()
    return lines[0].removesuffix(".") if lines else type(error).__name__
