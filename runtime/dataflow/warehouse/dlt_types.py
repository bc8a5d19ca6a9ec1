"""Which types a destination of dlt's holds: what rows become on their way, and what dlt is told.

dlt guesses types where it is not told them, and a guess may change a value. So each column has one
of a few types that every destination has, and dlt is told that type.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal, type_family
from dataflow.warehouse.column_fit import column_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from duckdb import DuckDBPyConnection

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
# What dlt is told of a type.
_TOLD: dict[str, dict[str, Any]] = {
    "SMALLINT": {"data_type": "bigint", "precision": 16},
    "INTEGER": {"data_type": "bigint", "precision": 32},
    "BIGINT": {"data_type": "bigint", "precision": 64},
    "DOUBLE": {"data_type": "double"},
    "BOOLEAN": {"data_type": "bool"},
    "VARCHAR": {"data_type": "text"},
    "DATE": {"data_type": "date"},
    "TIMESTAMP": {"data_type": "timestamp", "precision": 6, "timezone": False},
    "TIMESTAMP WITH TIME ZONE": {"data_type": "timestamp", "precision": 6, "timezone": True},
    "TIME": {"data_type": "time", "precision": 6},
    "BLOB": {"data_type": "binary"},
}
# Others, each as the narrowest of those that holds all of its values; what is not here is text.
_HELD_AS = {
    "TINYINT": "SMALLINT",
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "FLOAT": "DOUBLE",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
    "TIME_NS": "TIME",
    '"NULL"': "INTEGER",
}
_FINE = ("TIMESTAMP_NS", "TIME_NS")
_DAYS = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_FIRST_DAY, _END = "0001-01-01", "10000-01-01"


def told_columns(kinds: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Columns with their DuckDB types, which are held ones, as dlt is told them."""
    return {name: {"name": name, "nullable": True, **_told(kind)} for name, kind in kinds.items()}


def _told(kind: str) -> dict[str, Any]:
    if found := _DECIMAL.fullmatch(kind):
        return {"data_type": "decimal", "precision": int(found[1]), "scale": int(found[2])}
    return _TOLD[kind]


def kind_of(told: Mapping[str, Any]) -> str:
    """The DuckDB type in which a column is read that dlt describes so."""
    name, precision = told["data_type"], told.get("precision")
    if name == "decimal":
        # Without a size, as a sum in a model of dbt's has none, it may have any number of digits.
        scale = told.get("scale") or 0
        return f"DECIMAL({precision},{scale})" if precision and precision <= 38 else "DOUBLE"
    if name == "bigint":
        return {16: "SMALLINT", 32: "INTEGER"}.get(precision or 64, "BIGINT")
    if name == "timestamp":
        return "TIMESTAMP" if told.get("timezone") is False else "TIMESTAMP WITH TIME ZONE"
    known = {
        "double": "DOUBLE",
        "bool": "BOOLEAN",
        "date": "DATE",
        "time": "TIME",
        "binary": "BLOB",
        "wei": "DECIMAL(38,0)",
    }
    return known.get(name, "VARCHAR")


def held_kind(kind: str) -> str:
    """The type in which a destination holds the values of a DuckDB type."""
    if kind in _TOLD or _DECIMAL.fullmatch(kind):
        return kind
    return _HELD_AS.get(kind, "VARCHAR")


def held_expression(name: str, kind: str) -> str:
    """A column in the type in which it is held, as SQL."""
    column = quote_identifier(name)
    held = held_kind(kind)
    if held == kind:
        return column
    if type_family(kind) == "nested":
        column = f"to_json({column})"
    return f"CAST({column} AS {held}) AS {quote_identifier(name)}"


@contextmanager
def held_rows(connection: DuckDBPyConnection, parquet: Path) -> Iterator[Path]:
    """A Parquet file with types that are held: the same one, if it has no others.

    Raises:
        BadInputError: A value is of those that not every destination holds.
    """
    import pyarrow.parquet as pq

    if pq.read_metadata(parquet).num_columns == 0:
        yield parquet
        return
    rows = f"read_parquet({quote_literal(parquet)})"
    kinds = column_types(connection, rows)
    refuse_values(connection, rows, kinds)
    if all(held_kind(kind) == kind for kind in kinds.values()):
        yield parquet
        return
    columns = ", ".join(held_expression(name, kind) for name, kind in kinds.items())
    with TemporaryDirectory(prefix="dataflow-rows-", dir=parquet.parent) as folder:
        other = Path(folder) / "rows.parquet"
        # As DuckDB reads it, in the order of the file.
        connection.execute(
            f"COPY (SELECT {columns} FROM {rows}) TO {quote_literal(other)} (FORMAT parquet)"
        )
        yield other


def refuse_values(connection: DuckDBPyConnection, rows: str, kinds: Mapping[str, str]) -> None:
    """Refuse values that not every destination, and not every driver, holds as they are.

    Raises:
        BadInputError: There is one.
    """
    tests = []
    for name, kind in kinds.items():
        column = quote_identifier(name)
        if held_kind(kind) == "VARCHAR" and kind != "INTERVAL":
            tests.append((name, f"contains(CAST({column} AS VARCHAR), chr(0))", "a NUL character"))
        if kind in _FINE:
            coarse = f"CAST(CAST({column} AS {held_kind(kind)}) AS {kind})"
            tests.append((name, f"{coarse} IS DISTINCT FROM {column}", "parts of microseconds"))
        if held_kind(kind) in _DAYS:
            limits = [f"CAST('{day}' AS {held_kind(kind)})" for day in (_FIRST_DAY, _END)]
            value = f"CAST({column} AS {held_kind(kind)})"
            outside = f"{value} < {limits[0]} OR {value} >= {limits[1]}"
            tests.append((name, outside, "a day that is not in the years 1 to 9999"))
    if not tests:
        return
    asked = ", ".join(f"coalesce(bool_or({test}), false)" for _, test, _ in tests)
    found = connection.execute(f"SELECT {asked} FROM {rows}").fetchone() or ()
    for (name, _, what), is_there in zip(tests, found, strict=False):
        if is_there:
            raise BadInputError(
                f"The column {quoted(name)} has {what}, which not every destination of dlt's "
                "holds; nothing was loaded.",
                "Correct it in transform.py, or in the source, or keep it as another text.",
            )
