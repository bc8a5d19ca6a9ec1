"""Schemas of a Postgres database whose names begin alike: listed, copied, renamed, dropped."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    import psycopg


def short_name(text: str) -> str:
    """Eight characters that stand for a longer name: Postgres cuts names at 63."""
    return blake2b(text.encode(), digest_size=4).hexdigest()


def known_schemas(connection: psycopg.Connection[Any], prefix: str) -> list[str]:
    """The schemas whose names begin so."""
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) ORDER BY 1", [prefix]
    ).fetchall()
    return [str(name) for (name,) in rows]


def drop_schemas(connection: psycopg.Connection[Any], prefix: str) -> None:
    """Drop all schemas whose names begin so, with what is in them."""
    if schemas := known_schemas(connection, prefix):
        names = ", ".join(map(quote_identifier, schemas))
        connection.execute(f"DROP SCHEMA {names} CASCADE".encode())


def rename_schemas(connection: psycopg.Connection[Any], prefix: str, new: str) -> None:
    """Rename all schemas whose names begin so."""
    for schema in known_schemas(connection, prefix):
        names = quote_identifier(schema), quote_identifier(new + schema.removeprefix(prefix))
        connection.execute(f"ALTER SCHEMA {names[0]} RENAME TO {names[1]}".encode())


def schemas_bytes(connection: psycopg.Connection[Any], prefix: str) -> int:
    """What the tables of all schemas whose names begin so take on disk, in bytes."""
    row = connection.execute(
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'm') AND starts_with(n.nspname, %s)",
        [prefix],
    ).fetchone()
    return int(row[0]) if row else 0


def is_viewed(connection: psycopg.Connection[Any], prefix: str) -> bool:
    """Whether a view outside of some schemas reads a table inside."""
    row = connection.execute(
        "SELECT 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid "
        "JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace vn ON vn.oid = v.relnamespace "
        "JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace "
        "WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass "
        "AND starts_with(tn.nspname, %s) AND NOT starts_with(vn.nspname, %s) LIMIT 1",
        [prefix, prefix],
    ).fetchone()
    return row is not None


def copy_schemas(connection: psycopg.Connection[Any], source: str, target: str) -> None:
    """Copy all tables and views of some schemas into others."""
    for schema in known_schemas(connection, source):
        new = quote_identifier(target + schema.removeprefix(source))
        connection.execute(f"CREATE SCHEMA {new}".encode())
    rows = connection.execute(
        "SELECT n.nspname, c.relname, c.relkind::text, "
        "CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND starts_with(n.nspname, %s) ORDER BY c.oid",
        [source],
    ).fetchall()
    views = []
    for schema, name, kind, definition in rows:
        new = f"{quote_identifier(target + schema.removeprefix(source))}.{quote_identifier(name)}"
        old = f"{quote_identifier(schema)}.{quote_identifier(name)}"
        if kind in ("v", "m"):
            what = "MATERIALIZED VIEW" if kind == "m" else "VIEW"
            body = renamed_view(definition, source, target)
            views.append(f"CREATE {what} {new} AS {body}")
            continue
        connection.execute(f"CREATE TABLE {new} (LIKE {old} INCLUDING ALL)".encode())
        connection.execute(f"INSERT INTO {new} SELECT * FROM {old}".encode())
    _create_views(connection, views)


def _create_views(connection: psycopg.Connection[Any], statements: list[str]) -> None:
    """Make views of which some may read others."""
    import psycopg

    left, fault = statements, None
    while left:
        waiting = []
        for statement in left:
            try:
                with connection.transaction():
                    connection.execute(statement.encode())
            except psycopg.errors.UndefinedTable as error:
                waiting.append(statement)
                fault = error
        if len(waiting) == len(left) and fault is not None:
            raise fault
        left = waiting


def renamed_view(definition: str, source: str, target: str) -> str:
    """The query of a view on other schemas; what stands in quotes of texts stays."""
    begins = re.escape(source)
    pattern = re.compile(rf"'(?:[^']|'')*'|\"{begins}([^\"]+)\"\.|\b{begins}(\w+)\.")

    def replaced(found: re.Match[str]) -> str:
        schema = found[1] or found[2]
        return f"{quote_identifier(target + schema)}." if schema else found[0]

    return pattern.sub(replaced, definition)
