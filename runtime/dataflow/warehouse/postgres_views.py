"""A workflow's schemas in Postgres as a DuckDB connection has them: under their plain names.

What asks a workflow's tables, queries of dashboards above all, is written for DuckDB. So DuckDB
gets a catalog with the workflow's name in which each table is a view of the one in Postgres. The
library's own small tables are copied: it finds them as tables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.postgres_server import CATALOG
from dataflow.warehouse.postgres_tables import PostgresTables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LIBRARY = "dataflow"
# What DuckDB's extension does not read as it is: each is asked for as a text.
_PLAIN_NUMERIC = "numeric"
_SIZED_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_MOST_DIGITS = 38


def show_tables(
    connection: DuckDBPyConnection, catalog: str, prefix: str, server: str = CATALOG
) -> None:
    """Make views of all tables and views of a workflow, and copies of the library's tables.

    Args:
        catalog: The catalog, as DuckDB has it; it is made.
        prefix: What the schemas begin with in Postgres.
        server: The catalog by which the connection knows the server.
    """
    name = quote_identifier(catalog)
    connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {name}")
    for schema, table, columns in _relations(connection, prefix, server):
        plain = quote_identifier(schema.removeprefix(prefix))
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}.{plain}")
        target = f"{name}.{plain}.{quote_identifier(table)}"
        query = _query(schema, table, columns, server)
        what = "TABLE" if schema.removeprefix(prefix) == LIBRARY else "VIEW"
        connection.execute(f"CREATE {what} {target} AS {query}")


def keep_new_tables(connection: DuckDBPyConnection, catalog: str, prefix: str) -> None:
    """Write the tables that were made in the catalog of `show_tables` into Postgres.

    They are those that are no views; of the library's own, all.
    """
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        f"WHERE database_name = {quote_literal(catalog)} ORDER BY ALL"
    ).fetchall()
    if not rows:
        return
    tables = PostgresTables(prefix)
    connection.execute(f"USE {CATALOG}")
    connection.begin()
    try:
        for schema, table in rows:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {tables.schema(schema)}")
            own = ".".join(map(quote_identifier, (catalog, schema, table)))
            tables.replace(connection, tables.relation(f"{schema}.{table}"), own)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _relations(
    connection: DuckDBPyConnection, prefix: str, server: str
) -> list[tuple[str, str, list[tuple[str, str, int]]]]:
    """Schema, name, and columns with type and dimensions, of all that is there."""
    query = f"""
        SELECT n.nspname::text AS s, c.relname::text AS t, a.attname::text AS n,
            format_type(CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE a.atttypid END,
                a.atttypmod)::text AS k,
            a.attndims::int AS d
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_type y ON y.oid = a.atttypid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
            AND starts_with(n.nspname::text, {quote_literal(prefix)})
        ORDER BY n.nspname, c.relname, a.attnum"""
    rows: list[Any] = connection.execute(
        f"FROM postgres_query({quote_literal(server)}, {quote_literal(query)})"
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for schema, table, column, kind, dimensions in rows:
        found.setdefault((schema, table), []).append((column, kind, dimensions))
    return [(schema, table, columns) for (schema, table), columns in found.items()]


def _query(schema: str, table: str, columns: list[tuple[str, str, int]], server: str) -> str:
    asked = {name: _asked(name, kind) for name, kind, _ in columns}
    place = f"{quote_identifier(schema)}.{quote_identifier(table)}"
    if not any(asked.values()):
        return f"FROM {quote_identifier(server)}.{place}"
    inner = ", ".join(
        f"{asked[name][0] if asked[name] else quote_identifier(name)} AS {quote_identifier(name)}"
        for name, *_ in columns
    )
    outer = ", ".join(
        f"CAST({quote_identifier(name)} AS {asked[name][1]}) AS {quote_identifier(name)}"
        if asked[name]
        else quote_identifier(name)
        for name, *_ in columns
    )
    query = quote_literal(f"SELECT {inner} FROM {place}")
    return f"SELECT {outer} FROM postgres_query({quote_literal(server)}, {query})"


def _asked(name: str, kind: str) -> tuple[str, ...]:
    """What is asked of Postgres in place of a column, and its type then; nothing if it is right."""
    column = quote_identifier(name)
    sized = _SIZED_NUMERIC.fullmatch(kind)
    if kind == _PLAIN_NUMERIC or (sized and int(sized[1]) > _MOST_DIGITS):
        # A sum or an average of exact numbers has no size in Postgres, and any number of digits.
        return f"{column}::text", "DOUBLE"
    if kind.endswith("[]"):
        # An array may have other dimensions than it was declared with.
        return f"to_json({column})::text", "VARCHAR"
    return ()
