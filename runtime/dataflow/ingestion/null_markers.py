"""Texts such as ``NA`` that stand for a missing value in columns that are otherwise numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.ingestion.engine import literal
from dataflow.ingestion.inference import read_typed

if TYPE_CHECKING:
    import duckdb

    from dataflow.ingestion.profile import ColumnProfile

__all__ = ["find_null_markers"]

_MARKERS = frozenset(
    {"na", "n/a", "#n/a", "n.a.", "null", "none", "nil", "nan", "-", "--", "---", ".", "..", "?"}
    | {"*", "missing", "\\n", "#value!", "#div/0!", "#ref!", "(null)", "<na>", "(none)", "unknown"}
)


def find_null_markers(
    connection: duckdb.DuckDBPyConnection, profiles: list[ColumnProfile]
) -> dict[str, list[str]]:
    """The markers in each text column that has numbers or dates, and nothing else, beside them.

    Args:
        connection: Where the relation ``data`` is.
        profiles: Its columns.

    Returns:
        Lists of markers, as they are written, by the name of the column.
    """
    found = {}
    for column in profiles:
        if column.text and (markers := _markers(connection, column)):
            found[column.name] = markers
        elif column.fractional and _has_nan(connection, column):
            found[column.name] = ["NaN", "nan"]
    return found


def _markers(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> list[str]:
    """The markers in a text column, if it gets another type without them."""
    text = f"lower(trim({column.key}))"
    known = ", ".join(literal(marker) for marker in sorted(_MARKERS))
    written = connection.execute(
        f"SELECT DISTINCT trim({column.key}) AS v FROM data WHERE {text} IN ({known}) ORDER BY v"  # noqa: S608
    ).fetchall()
    if not written:
        return []
    others = f"(SELECT {column.key} AS c0 FROM data WHERE {text} NOT IN ({known}))"  # noqa: S608
    kind = read_typed(connection, others, [column.name]).table.schema.field(0).type
    return [str(value) for (value,) in written] if str(kind) != "string" else []


def _has_nan(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    if column.type not in ("DOUBLE", "FLOAT"):
        return False
    row = connection.execute(f"SELECT bool_or(isnan({column.key})) FROM data").fetchone()  # noqa: S608
    return row is not None and bool(row[0])
