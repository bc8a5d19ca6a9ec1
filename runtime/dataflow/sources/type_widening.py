"""Declared types that have become wider at the source: which hold whatever the agreed ones do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.sources.duckdb_session import open_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pyarrow as pa

    from dataflow.shared.contract import Column

# How many digits the values of whole numbers have, at most.
_WHOLE = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19}
_UNSIGNED = {"UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
# Each holds exactly what those before it hold.
_FLOATING = ("FLOAT", "DOUBLE")


def wider_type(connection: duckdb.DuckDBPyConnection, agreed: str, declared: str) -> str:
    """The type that a column takes whose declared type has become wider; empty if it has not.

    It is of the same family: whole numbers and decimals are one, since each whole number is a
    decimal; floating numbers are another. Where no type holds all of both, it is the declared one,
    which holds what came.

    Args:
        agreed: The type in the contract.
        declared: The type that the source says it has now.
    """
    if agreed in _FLOATING and declared in _FLOATING:
        return declared if _FLOATING.index(declared) > _FLOATING.index(agreed) else ""
    if not (_room(agreed) and _room(declared)) or _holds(agreed, declared):
        return ""
    both = f"SELECT CAST(NULL AS {agreed}) AS v UNION ALL SELECT CAST(NULL AS {declared})"
    common = str(connection.execute(f"DESCRIBE {both}").fetchall()[0][1])
    # DuckDB cuts what is beyond 38 digits.
    return common if _holds(common, declared) and _holds(common, agreed) else declared


def declared_wider(table: pa.Table, columns: Mapping[str, Column]) -> list[str]:
    """Names of agreed columns whose type in a table is wider, whatever values they have."""
    with open_engine() as connection:
        connection.register("dataflow_declared", table)
        described = connection.execute("DESCRIBE FROM dataflow_declared").fetchall()
        kinds = {str(name).lower(): str(kind) for name, kind, *_ in described}
        return [
            name
            for name, column in columns.items()
            if (kind := kinds.get((column.source or name).lower()))
            and wider_type(connection, column.database_type, kind)
        ]


def _room(kind: str) -> tuple[int, int] | None:
    """How many digits before and after the point a type of exact numbers has; else None."""
    if found := _DECIMAL.fullmatch(kind):
        width, scale = int(found[1]), int(found[2])
        return width - scale, scale
    digits = (_WHOLE | _UNSIGNED).get(kind)
    return None if digits is None else (digits, 0)


def _holds(kind: str, other: str) -> bool:
    """Whether a type of exact numbers holds all of another; false where it is none."""
    room, wanted = _room(kind), _room(other)
    if room is None or wanted is None:
        return False
    same_signs = other not in _WHOLE or kind not in _UNSIGNED
    # An unsigned number of as many bytes has as many digits, and is larger.
    larger = other in _UNSIGNED and kind in _WHOLE and room <= wanted
    return room[0] >= wanted[0] and room[1] >= wanted[1] and same_signs and not larger
