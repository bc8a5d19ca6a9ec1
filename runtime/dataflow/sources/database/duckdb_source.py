"""Tables and queries of a DuckDB file."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import one_select, quote_identifier, quote_literal
from dataflow.shared.step_progress import step_progress
from dataflow.sources.column_names import distinct_names
from dataflow.sources.cursor_column import of_other_shape
from dataflow.sources.errors import (
    SourceError,
    SourceNotFoundError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.inference import BATCH_ROWS, TypedTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from dataflow.shared.config_model import Parameters
    from dataflow.sources.database.settings import DatabaseSource
    from dataflow.sources.incremental import Progress

_FIRST_PAUSE_SECONDS = 0.05
# Types that no file between the steps has, or that would lose a part of the value there.
_AS_TEXT = ("UNION", "BIT", "BIGNUM", "TIME WITH TIME ZONE", "UHUGEINT", "VARIANT")
_MOMENTS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_FEW_DIGITS = "1e38::HUGEINT"


def read_duckdb(
    path: Path,
    settings: DatabaseSource,
    parameters: Parameters,
    progress: Progress | None,
    limit: int | None,
) -> TypedTable:
    """Read a table or query; a value that the steps cannot hand on makes its column text."""
    with _open(path, parameters) as connection:
        relation = _relation(connection, settings)
        names, notes = distinct_names(relation.columns)
        if progress is not None:
            relation = _between(relation, progress)
        if limit is not None:
            relation = relation.limit(limit)
        relation = _handed_on(relation, notes)
        with step_progress().watching(connection, "", is_whole=True):
            table = relation.to_arrow_table(batch_size=BATCH_ROWS).rename_columns(names)
        return TypedTable(progress.admit_table(table, notes) if progress else table, notes)


def holds_texts(path: Path, settings: DatabaseSource, parameters: Parameters, column: str) -> bool:
    """Whether a column of a table or query is text."""
    with _open(path, parameters) as connection:
        relation = _relation(connection, settings)
        kinds = zip(relation.columns, relation.types, strict=True)
        return any(
            name.lower() == column.lower() and str(kind) == "VARCHAR" for name, kind in kinds
        )


def list_duckdb_tables(path: Path, settings: DatabaseSource, parameters: Parameters) -> list[str]:
    """Names of the tables and views in the source's schema."""
    with _open(path, parameters) as connection:
        schema = (settings.schema_ or "main").lower()
        return [table for own, table in _known(connection) if own.lower() == schema]


@contextmanager
def _open(path: Path, parameters: Parameters) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file to read from; what goes wrong with it is told in our words."""
    import duckdb

    try:
        with _connected(path, parameters.timeout_seconds) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except duckdb.IOException as error:
        raise SourceUnavailableError(
            f"{path} cannot be opened: {str(error).splitlines()[0]}",
            "Wait for the program that writes to it, or look whether this DuckDB can read it.",
        ) from error
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise SourceError(
            f"The query on {path} fails: {str(error).splitlines()[0]}",
            "Correct `ingestion.source.query`.",
        ) from error


def _connected(path: Path, seconds: float) -> duckdb.DuckDBPyConnection:
    """The file, once no other program writes to it any more."""
    import duckdb

    give_up, pause = time.monotonic() + seconds, _FIRST_PAUSE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path), read_only=True)
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error) or time.monotonic() > give_up:
                raise
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def _relation(
    connection: duckdb.DuckDBPyConnection, settings: DatabaseSource
) -> duckdb.DuckDBPyRelation:
    if settings.query:
        query = one_select(connection, settings.query)
        if query is None:
            raise SourceSettingError(
                "`ingestion.source.query` is not one SELECT.", "Write one SELECT."
            )
        return connection.sql(f"FROM (\n{query}\n)")
    known = _known(connection)
    schema, table = settings.schema_ or "main", settings.table or ""
    if (schema.lower(), table.lower()) not in {(s.lower(), t.lower()) for s, t in known}:
        raise SourceNotFoundError.of_table(schema, table, [f"{s}.{t}" for s, t in known])
    return connection.sql(f"FROM {quote_identifier(schema)}.{quote_identifier(table)}")


def _handed_on(relation: duckdb.DuckDBPyRelation, notes: list[str]) -> duckdb.DuckDBPyRelation:
    """The relation with those columns as text whose values would become others on their way."""
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    texts = {name for name, kind in kinds.items() if kind.startswith(_AS_TEXT)}
    checks = {}
    for name, kind in kinds.items():
        column = quote_identifier(name)
        if kind.removesuffix("[]") in _MOMENTS and not kind.endswith("[]"):
            # No year 0, none beyond 9999, none before Christ, and no infinity, see `declared`.
            checks[name] = f"NOT isfinite({column}) OR year({column}) NOT BETWEEN 1 AND 9999"
        elif kind == "TIME":
            checks[name] = f"{column} = TIME '24:00:00'"
        elif kind == "HUGEINT":
            checks[name] = f"abs({column}::DOUBLE) >= {_FEW_DIGITS}::DOUBLE"
    if checks:
        asked = ", ".join(f"coalesce(bool_or({check}), false)" for check in checks.values())
        row: Any = relation.aggregate(asked).fetchone()
        odd = [name for name, is_odd in zip(checks, row, strict=True) if is_odd]
        notes += [f"Column {name!r} is text: not every value is a {kinds[name]}." for name in odd]
        texts.update(odd)
    if not texts:
        return relation
    columns = []
    for name in relation.columns:
        column = quote_identifier(name)
        columns.append(f"CAST({column} AS VARCHAR) AS {column}" if name in texts else column)
    return relation.project(", ".join(columns))


def _known(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """All tables and views, with their schemas."""
    return connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() UNION ALL "
        "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    ).fetchall()


def _between(relation: duckdb.DuckDBPyRelation, progress: Progress) -> duckdb.DuckDBPyRelation:
    name = progress.column_in(relation.columns)
    kind = relation.types[relation.columns.index(name)]
    column = quote_identifier(name)

    clause, _ = progress.condition(
        column,
        lambda _, value: f"CAST({quote_literal(value)} AS {kind})",
        partial(of_other_shape, column, length="length") if str(kind) == "VARCHAR" else None,
    )
    return relation.filter(clause.removeprefix(" WHERE ")) if clause else relation
