"""Databases on servers, and SQLite files: one table or query, read in a transaction."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dataflow.shared.shown import counted
from dataflow.shared.step_progress import step_progress
from dataflow.sources.column_names import distinct_names
from dataflow.sources.contract_match import agreed_texts
from dataflow.sources.cursor_column import of_other_shape
from dataflow.sources.database import mariadb, postgres, postgres_bulk
from dataflow.sources.database.connection import deadline, open_connection, server_address, shown
from dataflow.sources.database.declared import TEXT, Gathered
from dataflow.sources.database.values import read_values, with_declared_types
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import SourceNotFoundError, SourceUnavailableError
from dataflow.sources.inference import TypedTable, type_dates
from dataflow.sources.retry import RequestFailedError, retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from sqlalchemy import URL, Connection

    from dataflow.shared.config_model import Parameters
    from dataflow.sources.database.settings import DatabaseSource
    from dataflow.sources.database.text_cursor import TextCursor
    from dataflow.sources.incremental import Progress
    from dataflow.sources.kind import ReadRequest

Got = TypeVar("Got")

# Rows at once: below this, round trips cost more than the rows.
_SMALLEST_BATCH = 5_000
# How those servers are read that say of what type their columns are.
_SQLITE = "sqlite"
_DRIVERS: dict[str, Any] = {"postgresql": postgres, "mysql": mariadb, "mariadb": mariadb}


def read_server(
    url: str | URL,
    settings: DatabaseSource,
    request: ReadRequest,
    progress: Progress | None,
    limit: int | None = None,
    texts: TextCursor | None = None,
) -> TypedTable:
    """Read a table or query in batches, in a transaction that is rolled back.

    At least 5,000 rows are fetched at once, and ``limit`` rows at most are read. If the connection
    is lost on the way, all is read again from the start: nothing was handed on yet.
    """
    address, parameters = server_address(url, settings), request.parameters

    def read(connection: Connection) -> TypedTable:
        with deadline(connection, parameters):
            origin = _origin(connection, settings)
        size = max(parameters.batch_size, _SMALLEST_BATCH)
        if connection.dialect.name in _DRIVERS:
            return _read_declared(connection, origin, parameters, progress, size, limit)
        query = f"SELECT * FROM {origin}"  # noqa: S608
        condition, values = "", dict[str, Any]()
        is_sqlite = connection.dialect.name == _SQLITE
        if progress is not None:
            column = _quoted(connection, progress.field)
            by_signs = f"{column} COLLATE BINARY" if is_sqlite else column
            besides = partial(_other_texts, column) if is_sqlite else None
            condition, values = progress.condition(by_signs, _parameter, besides)
            if texts is not None and is_sqlite:
                condition = texts.sqlite_clause(column, progress.start, progress.until)
        agreed = agreed_texts(request.contract)
        typed = read_values(connection, query + condition, values, size, limit, agreed)
        declared = _declared(connection, settings)
        return replace(typed, table=with_declared_types(typed.table, declared))

    typed = _trying(address, parameters, read)
    table, notes = typed.table, list(typed.notes)
    if progress and table.num_rows:
        table = progress.admit_table(table, notes)
    if address.get_backend_name() != _SQLITE or request.contract is not None:
        return TypedTable(table, notes)
    # SQLite has no dates of its own.
    with open_engine() as engine:
        dated = type_dates(engine, table)
    return replace(dated, notes=notes + dated.notes)


def server_holds_texts(
    url: str | URL, settings: DatabaseSource, parameters: Parameters, column: str
) -> bool:
    """Whether a column of a table or query holds texts: by its type, in SQLite by its values."""

    def ask(connection: Connection) -> bool:
        with deadline(connection, parameters):
            origin, name = _origin(connection, settings), _quoted(connection, column)
            if connection.dialect.name == _SQLITE:
                text = f"SELECT 1 FROM {origin} WHERE typeof({name}) = 'text' LIMIT 1"  # noqa: S608
                return connection.exec_driver_sql(text).first() is not None
            driver = _DRIVERS.get(connection.dialect.name)
            if driver is None:
                return False
            raw: Any = connection.connection.driver_connection
            cursor = driver.Cursor(raw, f"SELECT * FROM {origin} WHERE 1 = 0")  # noqa: S608
        try:
            kinds = zip(cursor.names, cursor.columns, strict=True)
            return any(own.lower() == column.lower() and kind.type == TEXT for own, kind in kinds)
        finally:
            cursor.close()

    return _trying(server_address(url, settings), parameters, ask)


def list_server_tables(
    url: str | URL, settings: DatabaseSource, parameters: Parameters
) -> list[str]:
    """Names of the tables and views in the source's schema."""
    address = server_address(url, settings)
    return _trying(address, parameters, lambda connection: _known(connection, settings.schema_))


def _trying(address: URL, parameters: Parameters, act: Callable[[Connection], Got]) -> Got:
    """What comes of asking a database, which is asked again if the connection is lost."""
    tries = 0
    try:
        for attempt in retrying(parameters.max_retries):
            with attempt:
                tries += 1
                with open_connection(address, parameters) as connection:
                    return act(connection)
    except RequestFailedError as error:
        raise SourceUnavailableError(
            f"{shown(address)} could not be reached in {counted(tries, 'attempt')}: {error}.",
            "Look at the address, the user and the password, and whether the server runs.",
        ) from error
    raise AssertionError("unreachable")


def _read_declared(
    connection: Connection,
    origin: str,
    parameters: Parameters,
    progress: Progress | None,
    size: int,
    limit: int | None,
) -> TypedTable:
    """Read from a server that declares its columns' types."""
    driver = _DRIVERS[connection.dialect.name]
    raw: Any = connection.connection.driver_connection
    condition = ""
    if progress is not None:
        with deadline(connection, parameters):
            condition = _condition(connection, driver, origin, progress)
    if driver is postgres and limit is None:
        bulk = postgres_bulk.read_bulk(connection, f"{origin}{condition}", parameters)
        if bulk is not None:
            return bulk
    with deadline(connection, parameters):
        cursor = driver.Cursor(raw, f"SELECT * FROM {origin}{condition}")  # noqa: S608
    names, notes = distinct_names(cursor.names)
    gathered, left, read = Gathered(cursor.columns), limit, 0
    told = step_progress()
    try:
        while left is None or left > 0:
            with deadline(connection, parameters):
                rows = cursor.fetch(size if left is None else min(size, left))
            if not rows:
                break
            gathered.add(rows)
            read += len(rows)
            told.count(rows=read)
            left = None if left is None else left - len(rows)
    finally:
        cursor.close()
    table: pa.Table = gathered.table(names, notes)
    return TypedTable(table, notes)


def _condition(connection: Connection, driver: Any, origin: str, progress: Progress) -> str:
    """What asks for the rows of an incremental source."""
    raw: Any = connection.connection.driver_connection
    column = _quoted(connection, progress.field)
    is_text = any(isinstance(bound, str) for bound in (progress.start, progress.until))
    if is_text:
        is_text = driver.holds_texts(raw, f"SELECT {column} FROM {origin}")  # noqa: S608

    def literal(_: str, value: Any) -> str:
        return str(driver.literal(raw, value, is_text=is_text))

    def besides(start: str) -> list[str]:
        by_signs = driver.in_order_of_signs
        later = f"{by_signs(column)} >= {by_signs(literal('', start))}"
        return [later, *of_other_shape(driver.as_text(column), start)]

    return progress.condition(column, literal, besides if is_text else None)[0]


def _origin(connection: Connection, settings: DatabaseSource) -> str:
    """What stands after FROM, as the driver takes it."""
    import sqlalchemy as sa

    if settings.query:
        return f"(\n{settings.query.strip().rstrip(';')}\n) AS dataflow_query"
    schema, table = settings.schema_, settings.table or ""
    # The names are asked for only where the table is not found: a database may have thousands.
    if not sa.inspect(connection).has_table(table, schema):
        known = _known(connection, schema)
        if table not in known:
            raise SourceNotFoundError.of_table(
                schema, table, [f"{schema}.{name}" if schema else name for name in known]
            )
    return ".".join(_quoted(connection, name) for name in (schema, table) if name)


def _declared(connection: Connection, settings: DatabaseSource) -> dict[str, str]:
    """The types of a table's columns; those of a query are not known."""
    import sqlalchemy as sa

    if settings.table is None:
        return {}
    columns = sa.inspect(connection).get_columns(settings.table, settings.schema_)
    return {column["name"]: str(column["type"]) for column in columns}


def _known(connection: Connection, schema: str | None) -> list[str]:
    """Names of everything that rows can be read from."""
    import sqlalchemy as sa

    inspector = sa.inspect(connection)
    names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
    if connection.dialect.name == "postgresql":
        names.update(inspector.get_materialized_view_names(schema))
        names.update(inspector.get_foreign_table_names(schema))  # type: ignore[attr-defined]
    return sorted(names)


def _quoted(connection: Connection, name: str) -> str:
    preparer = connection.dialect.identifier_preparer
    # The dialect's own function doubles percent signs, which nothing here undoes.
    end = preparer.final_quote
    return f"{preparer.initial_quote}{name.replace(end, end * 2)}{end}"


def _other_texts(column: str, start: str) -> list[str]:
    """Of SQLite's values, which have types of their own."""
    terms = of_other_shape(column, start, "length")
    return [f"(typeof({column}) = 'text' AND {term})" for term in terms]


def _parameter(name: str, _: Any) -> str:
    return f":{name}"
