"""Rows that belong to others, as items do to the row whose list they were in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.sql import converted, quote_identifier, quote_literal
from dataflow.warehouse.column_fit import column_types
from dataflow.warehouse.tables import OWN_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.column_fit import FittedColumn
    from dataflow.warehouse.kind import Owners
    from dataflow.warehouse.tables import Tables

_OLDER = "temp.dataflow_older"


def replace_owned_rows(
    connection: DuckDBPyConnection,
    target: str,
    rows: str,
    columns: Sequence[FittedColumn],
    owners: Owners,
    tables: Tables = OWN_TABLES,
) -> None:
    """Put rows in the place of those that their owners had, whatever they have today.

    What belongs to an owner of which the warehouse has a newer version stays, as the owner does.

    Args:
        target: The table.
        rows: SQL of the rows that come.
        columns: Theirs; none if no row came.
        tables: How the owners' table is called.
    """
    if not _row_count(owners.rows):
        # No owner came, and perhaps not even the columns of one.
        return
    _find_older(connection, owners, tables.relation(owners.table))
    owner = f"read_parquet({quote_literal(owners.rows)}) AS owner"
    match = _equal("item", "owner", owners.columns)
    # The names of the older ones are those of the owners on both sides.
    is_older = f"EXISTS (FROM {_OLDER} AS older WHERE {{}})"
    of_owner = is_older.format(_equal("owner", "older", {n: n for n in owners.columns.values()}))
    connection.execute(
        f"DELETE FROM {target} AS item USING {owner} WHERE {match} AND NOT {of_owner}"
    )
    if columns:
        values = ", ".join(f"{c.expression} AS {quote_identifier(c.own_name)}" for c in columns)
        of_item = is_older.format(_equal("item", "older", owners.columns))
        connection.execute(
            f"INSERT INTO {target} BY NAME SELECT {values} FROM {rows} AS item WHERE NOT {of_item}"
        )
    connection.execute(f"DROP TABLE {_OLDER}")


def _find_older(connection: DuckDBPyConnection, owners: Owners, table: str) -> None:
    """Make a table of the keys of owners that came older than the warehouse has them.

    This is the rule of `merge_rows`: a row counts if the table's cursor is not greater.
    """
    loaded = f"read_parquet({quote_literal(owners.loaded)})"
    came = column_types(connection, loaded) if _row_count(owners.loaded) else {}
    kept = column_types(connection, table)
    by_lower = {name.lower(): name for name in kept}
    cursor = next((name for name in came if name.lower() == owners.cursor.lower()), "")
    keys = {key: by_lower.get(key.lower(), "") for key in owners.columns.values()}
    own_cursor = by_lower.get(cursor.lower(), "")
    selected = ", ".join(f"came.{quote_identifier(key)}" for key in keys)
    have_come = {name.lower() for name in came}
    knows_keys = all(own and key.lower() in have_come for key, own in keys.items())
    if not cursor or not own_cursor or not knows_keys:
        # Transforming may have left rows without columns; those of the source have their keys.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE dataflow_older AS SELECT {selected} "
            f"FROM read_parquet({quote_literal(owners.rows)}) AS came LIMIT 0"
        )
        return
    old = f"kept.{quote_identifier(own_cursor)}"
    new = converted(f"came.{quote_identifier(cursor)}", came[cursor], kept[own_cursor])
    match = _equal("came", "kept", keys)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE dataflow_older AS SELECT {selected} "
        f"FROM {loaded} AS came JOIN {table} AS kept ON {match} "
        f"GROUP BY {selected}, {old} HAVING coalesce({old} > max({new}), {old} IS NOT NULL)"
    )


def _row_count(parquet: Path) -> int:
    """How many rows a file has; DuckDB does not read one without columns."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(parquet).num_rows)


def _equal(one: str, other: str, columns: Mapping[str, str]) -> str:
    return " AND ".join(
        f"{one}.{quote_identifier(column)} = {other}.{quote_identifier(own)}"
        for column, own in columns.items()
    )
