"""How rows get into tables of Postgres: which types they take there, and what views see of it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal, type_family
from dataflow.warehouse.column_fit import column_types
from dataflow.warehouse.postgres_server import CATALOG
from dataflow.warehouse.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

# Postgres cuts longer names, so that two of them may be one.
MOST_BYTES = 63
# Types that Postgres does not have, each with the narrowest one that holds all of its values.
_TAKEN_AS = {
    "TINYINT": "SMALLINT",
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "BIGNUM": "VARCHAR",
    "BIT": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    '"NULL"': "INTEGER",
}
# What Postgres calls otherwise.
_CALLED = {"DOUBLE": "double precision", "FLOAT": "real", "BLOB": "bytea"}
_NANOSECONDS = ("TIMESTAMP_NS", "TIME_NS")
_PLACE = re.compile(r'"((?:[^"]|"")*)"\."((?:[^"]|"")*)"')


@dataclass(frozen=True)
class PostgresTables(Tables):
    """Tables of the attached server, in the transaction of the DuckDB connection."""

    def replace(self, connection: DuckDBPyConnection, target: str, rows: str) -> None:
        """Make a table of rows; the views that read the one before are made again, if they can be.

        In Postgres a view holds on to its table; in DuckDB it asks for the name.
        """
        views = _views_on(connection, target)
        connection.execute(f"DROP TABLE IF EXISTS {target} CASCADE")
        connection.execute(f"CREATE TABLE {target} AS FROM {rows}")
        for statement in views:
            # One that no longer fits its table is gone, until dbt makes it anew.
            attempt = (
                f"DO $again$ BEGIN EXECUTE {_dollar(statement)}; "
                "EXCEPTION WHEN undefined_column OR undefined_table OR undefined_function "
                "OR datatype_mismatch THEN NULL; END $again$"
            )
            connection.execute(f"CALL postgres_execute('{CATALOG}', {quote_literal(attempt)})")

    def add_column(
        self, connection: DuckDBPyConnection, target: str, column: str, kind: str
    ) -> None:
        """Give a table one more column, by its type as Postgres calls it."""
        statement = f"ALTER TABLE {target} ADD COLUMN {column} {_CALLED.get(kind, kind)}"
        connection.execute(f"CALL postgres_execute('{CATALOG}', {quote_literal(statement)})")
        connection.execute("CALL pg_clear_cache()")

    def retype(
        self, connection: DuckDBPyConnection, target: str, column: str, kind: str, using: str
    ) -> None:
        """Give a column another type, by the values as DuckDB converts them."""
        del kind
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE dataflow_retyped AS "
            f"SELECT * REPLACE ({using} AS {column}) FROM {target}"
        )
        self.replace(connection, target, "temp.dataflow_retyped")
        connection.execute("DROP TABLE temp.dataflow_retyped")


@contextmanager
def as_taken(connection: DuckDBPyConnection, parquet: Path) -> Iterator[Path]:
    """A Parquet file with types that Postgres has: the same one, if it has no others.

    Lists, structures and maps become texts, in JSON.

    Raises:
        BadInputError: A name is too long for Postgres, or a time is finer than its microseconds.
    """
    import pyarrow.parquet as pq

    if pq.read_metadata(parquet).num_columns == 0:
        yield parquet
        return
    rows = f"read_parquet({quote_literal(parquet)})"
    columns, is_same = [], True
    for name, kind in column_types(connection, rows).items():
        refuse_long_name(name, "column")
        column = quote_identifier(name)
        taken = _taken(connection, rows, name, kind)
        is_same = is_same and not taken
        columns.append(f"{taken} AS {column}" if taken else column)
    if is_same:
        yield parquet
        return
    with TemporaryDirectory(prefix="dataflow-rows-", dir=parquet.parent) as folder:
        other = Path(folder) / "rows.parquet"
        # As DuckDB reads it, in the order of the file.
        connection.execute(
            f"COPY (SELECT {', '.join(columns)} FROM {rows}) "
            f"TO {quote_literal(other)} (FORMAT parquet)"
        )
        yield other


def refuse_long_name(name: str, what: str) -> None:
    """Refuse a name that Postgres would cut.

    Raises:
        BadInputError: It is one.
    """
    if len(name.encode()) > MOST_BYTES:
        raise BadInputError(
            f"The name of the {what} {quoted(name)} is longer than the {MOST_BYTES} bytes that "
            "Postgres keeps of a name; nothing was loaded.",
            "Give it a shorter one: `source` of a column in `ingestion.columns` names what it is "
            "called in the source.",
        )


def _taken(connection: DuckDBPyConnection, rows: str, name: str, kind: str) -> str:
    """A column in a type that Postgres has, as SQL; empty if it is in one."""
    column = quote_identifier(name)
    if kind in _TAKEN_AS:
        return f"CAST({column} AS {_TAKEN_AS[kind]})"
    if kind.startswith("ENUM(") or kind == "JSON":
        return f"CAST({column} AS VARCHAR)"
    if type_family(kind) == "nested":
        return f"CAST(to_json({column}) AS VARCHAR)"
    if kind in _NANOSECONDS:
        coarse = "TIMESTAMP" if kind == "TIMESTAMP_NS" else "TIME"
        cast = f"CAST({column} AS {coarse})"
        query = f"SELECT 1 FROM {rows} WHERE CAST({cast} AS {kind}) IS DISTINCT FROM {column}"
        if connection.execute(f"{query} LIMIT 1").fetchone():
            raise BadInputError(
                f"The column {quoted(name)} has times finer than the microseconds that Postgres "
                "keeps; nothing was loaded.",
                "Cut them in transform.py, or keep them as text.",
            )
        return cast
    return ""


def _views_on(connection: DuckDBPyConnection, target: str) -> list[str]:
    """Statements that make the views anew that read a table, those first that others read."""
    found = _PLACE.fullmatch(target)
    if found is None:
        return []
    schema, table = (part.replace('""', '"') for part in found.groups())
    query = f"""
        WITH RECURSIVE reading AS (
            SELECT c.oid, 0 AS depth FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = {quote_literal(schema)} AND c.relname = {quote_literal(table)}
            UNION
            SELECT r.ev_class, g.depth + 1 FROM reading g
            JOIN pg_depend d ON d.refobjid = g.oid AND d.classid = 'pg_rewrite'::regclass
                AND d.refclassid = 'pg_class'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> g.oid
        )
        SELECT 'CREATE ' || CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END || 'VIEW '
            || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' AS '
            || pg_get_viewdef(c.oid)
        FROM (SELECT oid, max(depth) AS depth FROM reading WHERE depth > 0 GROUP BY oid) AS views
        JOIN pg_class c ON c.oid = views.oid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('v', 'm') ORDER BY depth"""
    rows = connection.execute(
        f"FROM postgres_query('{CATALOG}', {quote_literal(query)})"
    ).fetchall()
    return [str(statement) for (statement,) in rows]


def _dollar(text: str) -> str:
    return f"$view${text}$view$"
