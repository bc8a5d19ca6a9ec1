"""Databases that SQLAlchemy knows: Postgres, SQLite, MySQL and others."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dataflow.shared.errors import MissingDependencyError
from dataflow.sources.column_names import distinct_names
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import (
    SourceError,
    SourceNotFoundError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.inference import TypedTable, type_dates
from dataflow.sources.retry import RequestFailedError, retrying

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from sqlalchemy import URL, Connection, CursorResult

    from dataflow.shared.config_model import Parameters
    from dataflow.sources.database.settings import DatabaseSource
    from dataflow.sources.incremental import Progress
    from dataflow.sources.kind import ReadRequest

# Rows at once: below this, round trips cost more than the rows.
_SMALLEST_BATCH = 5_000
_START = "dataflow_start"
_SCALARS = (str, int, float, bytes, Decimal, date, time, timedelta, UUID, type(None))


def read_server(
    url: str | URL,
    settings: DatabaseSource,
    request: ReadRequest,
    progress: Progress | None,
    limit: int | None = None,
) -> TypedTable:
    """Read a table or query in batches, in a transaction that is rolled back.

    At least 5,000 rows are fetched at once, and ``limit`` rows at most are read.
    """
    import sqlalchemy as sa

    address, parameters = _address(url, settings), request.parameters
    with _connection(address, parameters) as connection:
        try:
            query, values = _query(connection, settings, progress)
            size = max(parameters.batch_size, _SMALLEST_BATCH)
            result = connection.execution_options(yield_per=size).execute(sa.text(query), values)
            names, notes = distinct_names(list(result.keys()))
            mixed: set[int] = set()
            batches = [
                _arrays(rows, len(names), mixed) for rows in _partitions(result, size, limit)
            ]
        except sa.exc.SQLAlchemyError as error:
            raise SourceError(
                f"The query on {_shown(address)} fails: {_words(error)}.",
                "Correct `ingestion.source`: its table, query or incremental column.",
            ) from error
    table = _joined(names, batches, mixed)
    kinds = "has values of several kinds; it is text."
    notes += [f"Column {names[index]!r} {kinds}" for index in sorted(mixed)]
    if progress and table.num_rows:
        table = progress.admit_table(table, notes)
    if address.get_backend_name() != "sqlite" or request.contract is not None:
        return TypedTable(table, notes)
    # SQLite has no dates of its own.
    with open_engine() as engine:
        typed = type_dates(engine, table)
    return replace(typed, notes=notes + typed.notes)


def list_server_tables(
    url: str | URL, settings: DatabaseSource, parameters: Parameters
) -> list[str]:
    """Names of the tables and views in the source's schema."""
    import sqlalchemy as sa

    with _connection(_address(url, settings), parameters) as connection:
        inspector, schema = sa.inspect(connection), settings.schema_
        return sorted([*inspector.get_table_names(schema), *inspector.get_view_names(schema)])


def _partitions(result: CursorResult[Any], size: int, limit: int | None) -> Iterator[list[Any]]:
    """Batches of rows, until there are no more or enough."""
    left = limit
    for rows in result.partitions(size):
        yield list(rows if left is None else rows[:left])
        if left is not None:
            left -= len(rows)
            if left <= 0:
                return


def _address(url: str | URL, settings: DatabaseSource) -> URL:
    import sqlalchemy as sa

    if isinstance(url, str):
        url = url.replace("postgres://", "postgresql://", 1)
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise SourceSettingError(
            "`ingestion.source.url` is not the address of a database.",
            "Write it like postgresql://host:5432/database, or as the path of a file.",
        ) from error
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if settings.username:
        address = address.set(username=settings.username)
    if settings.password:
        address = address.set(password=settings.password)
    return address


@contextmanager
def _connection(address: URL, parameters: Parameters) -> Iterator[Connection]:
    """A connection in a transaction that nothing is kept of."""
    import sqlalchemy as sa

    options: dict[str, Any] = {}
    if address.get_backend_name() == "postgresql":
        wait = max(1, round(parameters.timeout_seconds))
        options["connect_args"] = {"connect_timeout": wait, "options": "-c timezone=UTC"}
    try:
        engine = sa.create_engine(address, poolclass=sa.NullPool, **options)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        raise MissingDependencyError(
            f"The driver for {address.drivername} is not installed.",
            "For Postgres, `pip install 'dataflow-runtime[database]'`; for others, the package "
            "that SQLAlchemy names for this dialect.",
        ) from error
    try:
        for attempt in retrying(parameters.max_retries):
            with attempt:
                try:
                    connection = engine.connect()
                except sa.exc.OperationalError as error:
                    # The driver's words may quote the address; what is logged must not.
                    raise RequestFailedError(_words(error), None, wait=True) from None
    except RequestFailedError as error:
        tries = parameters.max_retries + 1
        raise SourceUnavailableError(
            f"{_shown(address)} could not be reached in {tries} tries: {error}.",
            "Look at the address, the user and the password, and whether the server runs.",
        ) from error
    except sa.exc.SQLAlchemyError as error:
        raise SourceUnavailableError(
            f"{_shown(address)} cannot be opened: {_words(error)}.",
            "Look at the address, the user and the password.",
        ) from error
    try:
        if address.get_backend_name() == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        yield connection
    finally:
        connection.rollback()
        connection.close()
        engine.dispose()


def _query(
    connection: Connection, settings: DatabaseSource, progress: Progress | None
) -> tuple[str, dict[str, Any]]:
    import sqlalchemy as sa

    preparer = connection.dialect.identifier_preparer

    def quote(name: str) -> str:
        # The dialect's own function doubles percent signs, which `text` does as well.
        end = preparer.final_quote
        quoted = f"{preparer.initial_quote}{name.replace(end, end * 2)}{end}"
        return quoted.replace(":", "\\:")

    if settings.query:
        # A colon would be taken for a parameter.
        query = settings.query.strip().rstrip(";").replace(":", "\\:")
        origin = f"(\n{query}\n) AS dataflow_query"
    else:
        inspector, schema = sa.inspect(connection), settings.schema_
        known = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        table = settings.table or ""
        if table not in known:
            raise SourceNotFoundError.of_table(
                schema, table, [f"{schema}.{name}" if schema else name for name in known]
            )
        origin = ".".join(quote(name) for name in (schema, table) if name)
    if progress is None or progress.start is None:
        return f"SELECT * FROM {origin}", {}  # noqa: S608
    column = quote(progress.field)
    return f"SELECT * FROM {origin} WHERE {column} >= :{_START}", {_START: progress.start}  # noqa: S608


def _arrays(rows: Sequence[Any], width: int, mixed: set[int]) -> list[pa.Array]:
    """One batch by column; a column whose values do not go together is text, and is `mixed`."""
    import pyarrow as pa

    arrays = []
    for index, values in enumerate(zip(*rows, strict=True) if rows else [()] * width):
        first = next((value for value in values if value is not None), None)
        plain = isinstance(first, str | int | float | bytes | None)
        column = list(values) if plain else [_value(value) for value in values]
        try:
            arrays.append(pa.array(column))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            arrays.append(pa.array([_text(value) for value in column], pa.string()))
            mixed.add(index)
    return arrays


def _value(value: Any) -> Any:
    """A database's value as one that Arrow has a type for."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return [_value(item) for item in value]
    return _text(value)


def _text(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return None if value is None else str(value)


def _joined(names: list[str], batches: list[list[pa.Array]], mixed: set[int]) -> pa.Table:
    """All batches as one table, each column in a type that holds all of its values."""
    import pyarrow as pa

    columns = {}
    for index, name in enumerate(names):
        arrays = [batch[index] for batch in batches]
        kinds = [array.type for array in arrays if not pa.types.is_null(array.type)]
        try:
            kind = _common(kinds)
            columns[name] = pa.chunked_array([array.cast(kind) for array in arrays], kind)
        except pa.ArrowException:
            texts = [[_text(value) for value in array.to_pylist()] for array in arrays]
            columns[name] = pa.chunked_array(texts, pa.string())
            mixed.add(index)
    return pa.table(columns)


def _common(kinds: list[pa.DataType]) -> pa.DataType:
    """The type that holds the values of all these; text if there are none; times in UTC."""
    import pyarrow as pa

    if not kinds:
        return pa.string()
    schemas = [
        pa.schema([("v", pa.timestamp("us", "UTC") if _zoned(kind) else kind)]) for kind in kinds
    ]
    return pa.unify_schemas(schemas, promote_options="permissive").field("v").type


def _zoned(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_timestamp(kind) and kind.tz is not None


def _shown(address: URL) -> str:
    port = f":{address.port}" if address.port else ""
    return f"{address.get_backend_name()}://{address.host or ''}{port}/{address.database or ''}"


def _words(error: Exception) -> str:
    """The first line of the driver's own words, without SQL and parameters."""
    origin = getattr(error, "orig", None)
    lines = str(origin if origin is not None and str(origin) else error).strip().splitlines()
    return lines[0].removesuffix(".") if lines else type(error).__name__
