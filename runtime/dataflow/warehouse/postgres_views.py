"""A workflow's schemas in Postgres as a DuckDB connection has them: under their plain names.

What asks a workflow's tables, queries of dashboards above all, is written for DuckDB. So DuckDB
gets a catalog with the workflow's name in which each table is a view of the one in Postgres. The
library's own small tables are copied: it finds them as tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier, quote_literal
from dataflow.warehouse.column_fit import column_types
from dataflow.warehouse.postgres_schemas import renamed_view, short_name
from dataflow.warehouse.postgres_server import CATALOG
from dataflow.warehouse.postgres_tables import PostgresTables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

LIBRARY = "dataflow"
# What DuckDB's extension does not read as it is: each is asked for as a text.
_PLAIN_NUMERIC = "numeric"
_SIZED_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_MOST_DIGITS = 38
_LOADED = ("raw", "rejected", LIBRARY)


@dataclass(frozen=True)
class _Relation:
    """A table or view: its plain schema, its columns' types in Postgres, and a view's query."""

    schema: str
    name: str
    columns: dict[str, str]
    definition: str


def show_tables(
    connection: DuckDBPyConnection, catalog: str, prefix: str, server: str = CATALOG
) -> None:
    """Make views of all tables and views of a workflow, and copies of the library's tables.

    Args:
        catalog: The catalog, as DuckDB has it; it is made.
        prefix: What the schemas begin with in Postgres.
        server: The catalog by which the connection knows the server.
    """
    connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {quote_identifier(catalog)}")
    for each in _relations(connection, prefix, server):
        what = "TABLE" if each.schema == LIBRARY else "VIEW"
        _create(connection, what, catalog, each, _query(prefix, each, server))


def copy_tables(connection: DuckDBPyConnection, catalog: str, prefix: str, file: Path) -> None:
    """Copy all tables of a workflow, to be compared, into a DuckDB file; of views only the columns.

    Args:
        file: The file, which is made.
    """
    connection.execute(f"ATTACH {quote_literal(file)} AS {quote_identifier(catalog)}")
    for each in _relations(connection, prefix, CATALOG):
        query = _query(prefix, each, CATALOG)
        if each.definition:
            # To whoever compares them, two views are the same if their queries are.
            known = quote_literal(short_name(renamed_view(each.definition, prefix, "")))
            types = column_types(connection, f"({query})")
            columns = ", ".join(
                f"CAST(NULL AS {kind}) AS {quote_identifier(name)}" for name, kind in types.items()
            )
            _create(connection, "VIEW", catalog, each, f"SELECT {columns} WHERE {known} = ''")
        else:
            _create(connection, "TABLE", catalog, each, query)


def _create(
    connection: DuckDBPyConnection, what: str, catalog: str, relation: _Relation, query: str
) -> None:
    schema = f"{quote_identifier(catalog)}.{quote_identifier(relation.schema)}"
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    connection.execute(f"CREATE {what} {schema}.{quote_identifier(relation.name)} AS {query}")


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


def _relations(connection: DuckDBPyConnection, prefix: str, server: str) -> Iterable[_Relation]:
    query = f"""
        SELECT n.nspname::text AS s, c.relname::text AS t, a.attname::text AS n,
            format_type(CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE a.atttypid END,
                a.atttypmod)::text AS k,
            CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) ELSE '' END AS q
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_type y ON y.oid = a.atttypid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
            AND starts_with(n.nspname::text, {quote_literal(prefix)})
        ORDER BY n.nspname, c.relname, a.attnum"""
    rows: list[Any] = connection.execute(
        f"FROM postgres_query({quote_literal(server)}, {quote_literal(query)})"
    ).fetchall()
    found: dict[tuple[str, str], _Relation] = {}
    for schema, table, column, kind, definition in rows:
        new = _Relation(schema.removeprefix(prefix), table, {}, definition)
        found.setdefault((schema, table), new).columns[column] = kind
    return found.values()


def _query(prefix: str, relation: _Relation, server: str) -> str:
    """A query of DuckDB for all that is in a table or view of Postgres."""
    is_loaded = relation.schema in _LOADED
    asked = {name: _asked(name, kind, is_loaded) for name, kind in relation.columns.items()}
    place = f"{quote_identifier(prefix + relation.schema)}.{quote_identifier(relation.name)}"
    if not any(asked.values()):
        return f"SELECT * FROM {quote_identifier(server)}.{place}"
    inner, outer = [], []
    for name, how in asked.items():
        column = quote_identifier(name)
        inner.append(f"{how[0]} AS {column}" if how else column)
        outer.append(f"CAST({column} AS {how[1]}) AS {column}" if how else column)
    query = quote_literal(f"SELECT {', '.join(inner)} FROM {place}")
    return f"SELECT {', '.join(outer)} FROM postgres_query({quote_literal(server)}, {query})"


def _asked(name: str, kind: str, is_loaded: bool) -> tuple[str, ...]:
    """What is asked of Postgres in place of a column, and its type then; nothing if it is right.

    Args:
        is_loaded: Whether the values are those that DuckDB has written there.
    """
    column = quote_identifier(name)
    sized = _SIZED_NUMERIC.fullmatch(kind)
    if kind == _PLAIN_NUMERIC or (sized and int(sized[1]) > _MOST_DIGITS):
        # A sum or an average of exact numbers has no size in Postgres, and any number of digits.
        return f"{column}::text", "DOUBLE"
    if sized and not is_loaded:
        # The extension reads a NaN, which a model may make, as 0; this fails and names it.
        return f"{column}::text", f"DECIMAL({sized[1]},{sized[2]})"
    if kind.endswith("[]"):
        # An array may have other dimensions than it was declared with.
        return f"to_json({column})::text", "VARCHAR"
    return ()
