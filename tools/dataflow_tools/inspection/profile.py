"""What the values of each column are like.

In this package a connection is one in which the rows that are looked at are the relation ``data``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import type_family
from dataflow.sources.column_names import sql_identifiers

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Names that the rendered models use for columns of their own.
_TAKEN = ("processed_at",)
# Not reserved in this DuckDB, but in the older one that reads the dashboards' tables, or in dbt.
_ALSO_RESERVED = ("at", "current_date", "current_timestamp", "end", "date_trunc", "this", "window")
# Text values are listed up to here.
_MOST_VALUES = 50
# So many rows tell of most tests that not all values pass them.
_FIRST_LOOK = 2_000


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the data that was looked at.

    Args:
        name: Its name in the source.
        identifier: Its name in SQL, without quotes.
        key: Its name in the relation ``data``.
        type: DuckDB's type to cast it to.
        nested: Whether its values are lists or objects.
        nulls: How many rows have no value.
        distinct: How many different values there are; 0 for nested ones.
        longest: The length of the longest text; 0 for other types.
        values: All values of a text column, if they are few.
    """

    name: str
    identifier: str
    key: str
    type: str
    nested: bool
    rows: int
    nulls: int
    distinct: int
    longest: int
    values: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers."""
        return type_family(self.type) == "whole"

    @property
    def fractional(self) -> bool:
        """Whether it holds numbers with fractions."""
        return type_family(self.type) == "fraction"

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return self.type == "VARCHAR"

    @property
    def time(self) -> bool:
        """Whether it holds days or moments."""
        return type_family(self.type) == "moment"

    @property
    def unique(self) -> bool:
        """Whether every row has a value, and no two the same."""
        return self.rows > 0 and self.nulls == 0 and self.distinct == self.rows


def register_rows(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, *, all_rows: bool = False
) -> int:
    """Make the different rows of a table, or all, the relation ``data``; say how many they are.

    All rows are the relation ``every_row``: where a row stands is told by its number there.
    """
    from dataflow.shared.tables import to_arrow
    from dataflow.stages.duplicates import first_occurrences

    table = to_arrow(table)
    keys = [f"c{index}" for index in range(table.num_columns)]
    connection.register("every_row", table.rename_columns(keys))
    keep = None if all_rows else first_occurrences(table)
    table = table if keep is None else table.take(keep)
    connection.register("data", table.rename_columns(keys))
    return int(table.num_rows)


def profile_columns(connection: duckdb.DuckDBPyConnection, names: list[str]) -> list[ColumnProfile]:
    """Look at all columns of the relation ``data``, which are called ``c0``, ``c1`` and so on.

    Args:
        names: The columns' names in the source.
    """
    described = connection.execute("DESCRIBE data").fetchall()
    kinds = {str(key): str(kind) for key, kind, *_ in described}
    identifiers = sql_identifiers(names, _reserved(connection))
    rows = _one(connection, "SELECT count(*) FROM data")[0]
    profiles = []
    for index, (name, identifier) in enumerate(zip(names, identifiers, strict=True)):
        key = f"c{index}"
        kind = kinds[key]
        nested = type_family(kind) == "nested"
        if kind.startswith("ENUM"):
            kind = "VARCHAR"
        distinct = "0" if nested else f"count(DISTINCT {key})"
        longest = f"coalesce(max(length({key}::VARCHAR)), 0)" if kind == "VARCHAR" else "0"
        count, different, length = _one(
            connection,
            f"SELECT count({key}), {distinct}, {longest} FROM data",  # noqa: S608
        )
        few = kind == "VARCHAR" and 0 < different <= _MOST_VALUES
        profiles.append(
            ColumnProfile(
                name=name,
                identifier=identifier,
                key=key,
                type="JSON" if nested else kind,
                nested=nested,
                rows=rows,
                nulls=rows - count,
                distinct=different,
                longest=length,
                values=_values(connection, key) if few else (),
            )
        )
    return profiles


def all_values(connection: duckdb.DuckDBPyConnection, test: str, column: ColumnProfile) -> bool:
    """Whether all values of a column pass a test, which may name other columns as well."""
    # Most tests that fail do so at once; whole columns are asked only after their beginning.
    begins = f"(SELECT * FROM data LIMIT {_FIRST_LOOK})"  # noqa: S608
    relations = (begins, "data") if column.rows > _FIRST_LOOK else ("data",)
    for relation in relations:
        answer = _one(
            connection,
            f"SELECT bool_and({test}) FROM {relation} WHERE {column.key} IS NOT NULL",  # noqa: S608
        )[0]
        if answer is False or relation == "data":
            return bool(answer)
    return False


def _reserved(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    rows = connection.execute(
        "SELECT keyword_name FROM duckdb_keywords() "
        "WHERE keyword_category IN ('reserved', 'type_function')"
    ).fetchall()
    return frozenset({str(word) for (word,) in rows} | {*_TAKEN, *_ALSO_RESERVED})


def _values(connection: duckdb.DuckDBPyConnection, key: str) -> tuple[str, ...]:
    rows = connection.execute(
        f"SELECT DISTINCT {key}::VARCHAR AS v FROM data WHERE {key} IS NOT NULL ORDER BY v"  # noqa: S608
    ).fetchall()
    return tuple(str(value) for (value,) in rows)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return row if row is not None else ()
