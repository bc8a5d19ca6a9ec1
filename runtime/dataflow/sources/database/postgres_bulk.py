"""Many rows of a Postgres server by DuckDB's own extension, which takes much less work.

Its values are those of the other way, `declared.py`, or there are none: what the extension is known
to misread is not asked of it in that form (numbers without a scale, fractions of four bytes), or
found among the rows (a number that is NaN, a time that Python does not hold), and then all of them
are read again in the other way. So are rows of which this goes wrong for whatever reason: what is
said of a fault is what the other way says.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dataflow.shared.duckdb_extensions import packaged_extension
from dataflow.shared.logging import get_logger
from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.shared.step_progress import step_progress
from dataflow.sources.column_names import distinct_names
from dataflow.sources.database.connection import deadline
from dataflow.sources.database.declared import (
    ANY_NUMBER,
    TEXT,
    Declared,
    comes_as_text,
    type_of_texts,
    typed_column,
)
from dataflow.sources.database.postgres import declared_type
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.inference import TypedTable
from dataflow.sources.kept_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pyarrow as pa
    from sqlalchemy import Connection

    from dataflow.shared.config_model import Parameters
    from dataflow.sources.kept_rows import KeptRows

log = get_logger(__name__)

# Below this many rows, as the server expects them, another connection costs more than it saves.
FEWEST_ROWS = 50_000
_EXTENSION = "postgres_scanner"
# The first that tells how far a COPY is, as which the extension asks.
_OLDEST_SERVER = 140_000
_PROGRESS = (
    "SELECT tuples_processed FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid) "
    "WHERE application_name = %s AND tuples_processed > 0"
)
_END = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
_GRACE_SECONDS = 2.0
_NUMERIC = 1700
# How a column is asked for, by Postgres' own numbers for its type, and as what it is kept. Of all
# other types, lists among them, the rows are read in the other way.
_AS_IT_IS = "{0}"
_AS_TEXT = "{0}::text"
_ASKED = {
    16: (_AS_IT_IS, "BOOLEAN"),
    17: (_AS_IT_IS, "BLOB"),
    20: (_AS_IT_IS, "BIGINT"),
    21: (_AS_IT_IS, "BIGINT"),
    23: (_AS_IT_IS, "BIGINT"),
    26: ("{0}::int8", "BIGINT"),
    25: (_AS_IT_IS, TEXT),
    114: (_AS_TEXT, TEXT),
    # Of four bytes, the shortest number that it is: 0.1, not 0.10000000149.
    700: ("{0}::text::float8", "DOUBLE"),
    701: (_AS_IT_IS, "DOUBLE"),
    # With the blanks at its end, which the extension and a cast leave out.
    1042: ("CASE WHEN {0} IS NOT NULL THEN format('%s', {0}) END", TEXT),
    1043: (_AS_IT_IS, TEXT),
    1082: (_AS_IT_IS, "DATE"),
    1083: (_AS_IT_IS, "TIME"),
    1114: (_AS_IT_IS, "TIMESTAMP"),
    1184: (_AS_IT_IS, "TIMESTAMPTZ"),
    1186: (_AS_TEXT, TEXT),
    2950: (_AS_IT_IS, "UUID"),
    3802: (_AS_TEXT, TEXT),
}
# The least and the greatest of what the type holds everywhere, as `declared.py` says: from the
# year 1 to the year 9999, and no time of day that is 24:00.
_HELD = {
    "DATE": ("0001-01-01", "9999-12-31"),
    "TIME": ("00:00:00", "23:59:59.999999"),
    "TIMESTAMP": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "TIMESTAMPTZ": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
}
_MISFIT = "dataflow: a value is not held"
# Beside the types that files of rows have anyway: as the table of a connection that loses nothing
# has them.
_KEPT_AS_WELL = frozenset({"UUID", "BLOB"})


@dataclass(frozen=True)
class _Column:
    """A column of the result: what it declares, and how it is asked for."""

    name: str
    declared: Declared
    asked: str
    kept: str
    may_be_nan: bool = False

    @property
    def expression(self) -> str:
        return self.asked.format(quote_identifier(self.name))

    def checked(self, key: str) -> str:
        """A value in the type that it is kept in; one that this does not hold ends the query."""
        value = f"{key}::{self.kept}"
        if self.kept not in _HELD:
            return value
        least, greatest = (f"{self.kept} {quote_literal(end)}" for end in _HELD[self.kept])
        fits = f"{key} IS NULL OR {value} BETWEEN {least} AND {greatest}"
        return f"CASE WHEN {fits} THEN {value} ELSE error('{_MISFIT}' || {key}) END"


def read_bulk(connection: Connection, origin: str, parameters: Parameters) -> TypedTable | None:
    """Read all rows of what stands after FROM; None if they are to be read in the other way.

    Raises:
        TimeoutError: The server says nothing.
    """
    import psycopg

    raw: Any = connection.connection.driver_connection
    file = _extension()
    if file is None or not _is_plain_server(raw):
        return None
    try:
        # What is refused here, by a server that only speaks like Postgres or because the query is
        # wrong, must not end the transaction.
        with deadline(connection, parameters), raw.transaction():
            columns = _columns(raw, origin)
            if columns is None or _expected_rows(raw, origin) < FEWEST_ROWS:
                return None
    except psycopg.Error:
        return None
    try:
        return _read(raw, file, columns, origin, parameters)
    except _faults() as error:
        # Not its words, which quote the address.
        log.debug("Reading by DuckDB's extension failed: %s", type(error).__name__)
        return None


def _extension() -> str | None:
    import duckdb

    file = packaged_extension(_EXTENSION, duckdb.__version__)
    return None if file is None else str(file)


def _faults() -> tuple[type[Exception], ...]:
    import duckdb
    import pyarrow as pa

    return (duckdb.Error, pa.ArrowException, OSError)


def _is_plain_server(raw: Any) -> bool:
    """Whether it is one server, not too old, whose texts are in the encoding that it declares."""
    if raw.info.server_version < _OLDEST_SERVER:
        return False
    is_one = not any("," in (raw.info.get_parameters().get(key) or "") for key in ("host", "port"))
    return is_one and raw.info.parameter_status("server_encoding") != "SQL_ASCII"


def _columns(raw: Any, origin: str) -> list[_Column] | None:
    """The columns, if each is of a type that the extension reads right."""
    with raw.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {origin} LIMIT 0".encode())  # noqa: S608
        found, result = cursor.description or [], cursor.pgresult
    columns = []
    for index, column in enumerate(found):
        declared = declared_type(raw, column.type_code, result.fmod(index))
        if column.type_code == _NUMERIC:
            is_number = declared.type not in (ANY_NUMBER, TEXT) and _has_scale(result.fmod(index))
            asked = (_AS_IT_IS, declared.type) if is_number else (_AS_TEXT, TEXT)
            columns.append(_Column(column.name, declared, *asked, may_be_nan=is_number))
        elif column.type_code in _ASKED:
            columns.append(_Column(column.name, declared, *_ASKED[column.type_code]))
        else:
            return None
    names = {column.name for column in columns}
    return columns if columns and len(names) == len(columns) else None


def _has_scale(modifier: int) -> bool:
    """Whether a number has from none to all of its digits after the point, as elsewhere."""
    digits, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    return scale <= digits


def _expected_rows(raw: Any, origin: str) -> float:
    with raw.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT * FROM {origin}".encode())  # noqa: S608
        ((plan,),) = cursor.fetchall()
    return float(plan[0]["Plan"]["Plan Rows"])


def _read(
    raw: Any, file: str, columns: Sequence[_Column], origin: str, parameters: Parameters
) -> TypedTable | None:
    asked = [f"{column.expression} AS c{index}" for index, column in enumerate(columns)]
    numbers = [quote_identifier(column.name) for column in columns if column.may_be_nan]
    where = ""
    if numbers:
        odd = " OR ".join(f"{name} = 'NaN'" for name in numbers)
        asked.append(f"({odd}) AS odd")
        where = f" WHERE CASE WHEN odd THEN error('{_MISFIT}' || odd) ELSE true END"
    query = f"SELECT {', '.join(asked)} FROM {origin}"  # noqa: S608
    names, notes = distinct_names([column.name for column in columns])
    kept = ", ".join(
        f"{column.checked(f'c{index}')} AS {quote_identifier(names[index])}"
        for index, column in enumerate(columns)
    )
    application = f"dataflow-{uuid4().hex}"
    with open_engine() as engine:
        engine.execute(f"LOAD {quote_literal(file)}")
        engine.execute(
            f"ATTACH {quote_literal(_address(raw, application))} AS source "
            "(TYPE postgres, READ_ONLY)"
        )
        # Identifiers of rows, as the other way has them.
        engine.execute("SET arrow_lossless_conversion = true")
        rows = f"SELECT {kept} FROM postgres_query('source', {quote_literal(query)}){where}"  # noqa: S608
        # They come one after another: a second thread would take as much time, by waiting.
        engine.execute("SET threads = 1")
        with (
            _watched(raw, application, parameters.timeout_seconds),
            step_progress().watching(engine, "", is_whole=True),
        ):
            table = rows_of(engine, rows, _KEPT_AS_WELL)
        engine.execute("RESET threads")
        notes += [
            f"Column {name!r} {column.declared.said}"
            for name, column in zip(names, columns, strict=True)
            if column.declared.said
        ]
        return TypedTable(_typed(engine, table, columns, names, notes), notes)


def _address(raw: Any, application: str) -> str:
    """Where the driver is connected, for another connection like it that only reads."""
    from psycopg.conninfo import make_conninfo

    given = {**raw.info.get_parameters(), "password": raw.info.password}
    # How long to wait is for the next of the rows, not for them all: see `_watched`.
    own = "-c statement_timeout=0 -c default_transaction_read_only=on"
    given["options"] = f"{given.get('options', '')} {own}".strip()
    given["application_name"] = application
    return make_conninfo("", **{key: value for key, value in given.items() if value})


@contextmanager
def _watched(raw: Any, application: str, seconds: float) -> Iterator[None]:
    """Have the server end the other connection's query, if it gives no rows for so long."""
    is_over = threading.Event()

    def watch() -> None:
        seen = None
        # If this connection is lost as well, the network ends the other one.
        with suppress(Exception):
            while not is_over.wait(seconds):
                raw.execute("SELECT pg_stat_clear_snapshot()")
                row = raw.execute(_PROGRESS, [application]).fetchone()
                if row is None or row == seen:
                    raw.execute(_END, [application])
                seen = row

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join(_GRACE_SECONDS)


def _typed(
    engine: duckdb.DuckDBPyConnection,
    rows: KeptRows,
    columns: Sequence[_Column],
    names: Sequence[str],
    notes: list[str],
) -> KeptRows:
    """The rows as `Gathered.table` has them: what came as texts in the type of its values."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        arrays = []
        for column, name, array in zip(columns, names, rows.columns, strict=True):
            if column.kept == TEXT:
                array = typed_column(engine, array, column.declared, name, notes)
            arrays.append(_truths(array) if column.kept == "BOOLEAN" else array)
        return pa.table(dict(zip(names, arrays, strict=True)))
    file, casts = f"read_parquet({quote_literal(rows.path)})", []
    for column, name in zip(columns, names, strict=True):
        own = quote_identifier(name)
        if column.kept == TEXT and comes_as_text(column.declared):
            texts = f"(SELECT {own} AS c FROM {file})"  # noqa: S608
            if kind := type_of_texts(engine, texts, column.declared, name, notes):
                casts.append(f"CAST({own} AS {kind}) AS {own}")
    if not casts:
        return rows
    return rows_of(engine, f"SELECT * REPLACE ({', '.join(casts)}) FROM {file}", _KEPT_AS_WELL)  # noqa: S608


def _truths(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Truth values as Arrow has them, of those that DuckDB gives in a byte each."""
    import pyarrow as pa

    if pa.types.is_boolean(array.type):
        return array
    return pa.chunked_array([chunk.storage.cast(pa.bool_()) for chunk in array.chunks], pa.bool_())
