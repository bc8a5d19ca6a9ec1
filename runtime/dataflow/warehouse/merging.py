"""Which rows a merge replaces, and which row of several with one key counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.edited_file import ROW_NUMBER, EditedFile
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.sql import count_rows, quote_identifier
from dataflow.warehouse.column_fit import FittedColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

_CHOSEN = "temp.dataflow_chosen"
_TEXT = "VARCHAR"


def merge_rows(
    connection: DuckDBPyConnection,
    target: str,
    came: EditedFile,
    columns: Sequence[FittedColumn],
    primary_key: Sequence[str],
    cursor: str = "",
) -> int:
    """Put the rows of a file in the place of those with the same key, and add the others.

    Of rows with one key the one with the greatest cursor counts, and of these the last one; a row
    that is older than the table's leaves that one. Without a cursor the file's last row counts.

    Returns:
        How many keys had several rows that differ, where there is no cursor to decide.

    Raises:
        BadInputError: The key is not in every row, or is text on one side and not on the other.
    """
    keys = [_column(columns, name) for name in primary_key]
    _refuse_bad_keys(connection, came, columns, primary_key)
    _refuse_other_kinds(target, keys)
    order = [f"{ROW_NUMBER} DESC"]
    by = next((c for c in columns if cursor and c.own_name.lower() == cursor.lower()), None)
    if by is not None and by.came:
        order.insert(0, f"{by.expression} DESC NULLS LAST")
    chosen = ", ".join(f"{c.expression} AS {quote_identifier(c.own_name)}" for c in columns)
    partition = ", ".join(key.expression for key in keys)
    rows = came.numbered
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE dataflow_chosen AS SELECT {chosen} FROM {rows} "
        f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {', '.join(order)}) = 1"
    )
    undecided = 0
    if by is None and count_rows(connection, _CHOSEN) < count_rows(connection, rows):
        values = ", ".join(c.expression for c in columns)
        undecided = count_rows(
            connection,
            f"(SELECT {partition} FROM {rows} GROUP BY {partition} "
            f"HAVING count(DISTINCT ({values})) > 1)",
        )
    names = [quote_identifier(key.own_name) for key in keys]
    match = " AND ".join(f"old.{name} = new.{name}" for name in names)
    if by is not None:
        name = quote_identifier(by.own_name)
        connection.execute(
            f"DELETE FROM {_CHOSEN} AS new USING {target} AS old WHERE {match} AND "
            f"old.{name} IS NOT NULL AND (new.{name} IS NULL OR old.{name} > new.{name})"
        )
    connection.execute(f"DELETE FROM {target} AS old USING {_CHOSEN} AS new WHERE {match}")
    connection.execute(f"INSERT INTO {target} BY NAME FROM {_CHOSEN}")
    connection.execute(f"DROP TABLE {_CHOSEN}")
    return undecided


def _column(columns: Sequence[FittedColumn], name: str) -> FittedColumn:
    found = next((column for column in columns if column.name.lower() == name.lower()), None)
    return found or FittedColumn(name, name, _TEXT, "")


def _refuse_bad_keys(
    connection: DuckDBPyConnection,
    came: EditedFile,
    columns: Sequence[FittedColumn],
    primary_key: Sequence[str],
) -> None:
    there = {column.name.lower() for column in columns}
    missing = [name for name in primary_key if name.lower() not in there]
    if missing or not primary_key:
        raise BadInputError(
            f"The primary key {quoted(list(primary_key))} names "
            f"{quoted(missing) if missing else 'no column'}, which the rows do not have; "
            f"they have: {', '.join(map(shortened, sorted(there)))}.",
            "Set `load.primary_key` in config.yaml to columns that every row has.",
        )
    if ROW_NUMBER in there:
        raise BadInputError(
            f"The rows have a column {ROW_NUMBER!r}, a name that a merge needs for itself.",
            "Rename the column in transform.py.",
        )
    empty = " OR ".join(f"{quote_identifier(name)} IS NULL" for name in primary_key)
    nulls = count_rows(connection, f"{came.relation} WHERE {empty}")
    if nulls:
        raise BadInputError(
            f"{nulls:,} rows have no value in the primary key {quoted(list(primary_key))}; "
            "nothing was loaded.",
            "Drop or fill them in transform.py, or choose another `load.primary_key`.",
        )


def _refuse_other_kinds(target: str, keys: Sequence[FittedColumn]) -> None:
    """A key that is text in the table and a number now is another one: `00123` is not 123."""
    for key in keys:
        if key.came and (key.kind == _TEXT) != (key.came == _TEXT):
            raise BadInputError(
                f"The primary key {quoted(key.name)} of {shortened(target)} is {key.kind}, and "
                f"now came {key.came}: which rows are the same cannot be told; nothing was loaded.",
                "Give the column one type: `ingestion.columns` in config.yaml, or a cast in "
                "transform.py.",
            )
