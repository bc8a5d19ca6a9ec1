"""A few rows of a table, of the columns whose values everybody who sees the UI may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened
from dataflow.shared.sql import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from dataflow.modelling.model_graph import Relation

_ROWS = 5


def sample_of(
    connection: DuckDBPyConnection, relation: Relation, columns: Sequence[str]
) -> Sequence[Sequence[str | None]]:
    """The values of some columns in the first rows of a table, as texts.

    Raises:
        duckdb.Error: The table or a column is not there, or the query was interrupted.
    """
    wanted = ", ".join(f"CAST({quote_identifier(name)} AS VARCHAR)" for name in columns)
    table = ".".join(map(quote_identifier, relation))
    query = f"SELECT {wanted} FROM {table} LIMIT {_ROWS}"  # noqa: S608
    return connection.execute(query).fetchall()


def shown_columns(columns: Mapping[str, str], allowed: frozenset[str]) -> list[str]:
    """Those columns of a table that may be shown, in the table's order."""
    return [name for name in columns if name.lower() in allowed]


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    r"""Rows as a table in Markdown; long values are cut, and what is a secret is masked.

    >>> print(markdown_table(["id", "name"], [["1", "a|b"], ["2", None]]))
    | id | name |
    | --- | --- |
    | 1 | a\|b |
    | 2 |  |
    """
    lines = [list(names), ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: str | None) -> str:
    if value is None:
        return ""
    text = shortened(" ".join(redact(value).split()))
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
