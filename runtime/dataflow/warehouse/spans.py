"""Deleting the rows of a table that are about to come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.sql import count_rows, quote_identifier, quote_literal
from dataflow.warehouse.column_fit import column_types

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.warehouse.kind import Span

_TEXT = "VARCHAR"
# Texts may be times; days are compared with times of day as the midnights that they begin with.
_COMPARED_AS = {_TEXT: "TIMESTAMP WITH TIME ZONE", "DATE": "TIMESTAMP"}


def delete_span(connection: DuckDBPyConnection, target: str, span: Span) -> None:
    """Delete the rows whose column lies in a span.

    Raises:
        BadInputError: The table has rows and not that column, or its values cannot be compared with
            the span's ends.
    """
    columns = column_types(connection, target)
    if span.since is None and span.until is None:
        connection.execute(f"DELETE FROM {target}")
        return
    found = [name for name in columns if name.lower() == span.column.lower()]
    if not found:
        if not count_rows(connection, target):
            return
        raise BadInputError(
            f"{shortened(target)} has no column {quoted(span.column)}, by which the rows that came "
            "again could be told from those that are there; nothing was loaded.",
            "Keep that column in transform.py, or load with `write_disposition: merge`.",
        )
    name, kind = quote_identifier(found[0]), columns[found[0]]
    ends = [("since", ">=", span.since), ("until", "<", span.until)]
    given = [(sign, value) for _, sign, value in ends if value is not None]
    wanted = _COMPARED_AS.get(kind, kind)
    if kind == _TEXT and not _all_fit(connection, target, name, wanted, [v for _, v in given]):
        wanted = _TEXT
    terms = []
    for sign, value in given:
        literal = quote_literal(value)
        row = connection.execute(f"SELECT TRY_CAST({literal} AS {wanted}) IS NULL").fetchone()
        if row is None or row[0]:
            raise BadInputError(
                f"{quoted(value)} cannot be compared with {quoted(found[0])} of "
                f"{shortened(target)}, which is {kind}; nothing was loaded.",
                "Give a value like those of the column.",
            )
        terms.append(f"CAST({name} AS {wanted}) {sign} CAST({literal} AS {wanted})")
    connection.execute(f"DELETE FROM {target} WHERE {' AND '.join(terms)}")


def _all_fit(
    connection: DuckDBPyConnection, target: str, name: str, kind: str, values: list[Any]
) -> bool:
    misfits = count_rows(
        connection, f"{target} WHERE {name} IS NOT NULL AND TRY_CAST({name} AS {kind}) IS NULL"
    )
    ends = [f"TRY_CAST({quote_literal(value)} AS {kind}) IS NULL" for value in values]
    row = connection.execute(f"SELECT {' OR '.join(ends)}").fetchone()
    return not misfits and row is not None and not row[0]
