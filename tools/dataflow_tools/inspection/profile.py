"""What the values of each column are like.

In this package a connection is one in which the rows that are looked at are the relation ``data``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import type_family
from dataflow.shared.step_progress import step_progress
from dataflow.sources.column_names import sql_identifiers
from dataflow_tools.inspection.key_names import may_identify

if TYPE_CHECKING:
    import duckdb

# Names that the rendered models use for columns of their own.
_TAKEN = ("processed_at",)
# Not reserved in this DuckDB, but in the older one that reads the dashboards' tables, or in dbt.
_ALSO_RESERVED = ("at", "current_date", "current_timestamp", "end", "date_trunc", "this", "window")
# Text values are listed up to here.
_MOST_VALUES = 50
# What one statement is asked for.
_COLUMNS_AT_ONCE = 50
_VALUES_AT_ONCE = 4_000_000
# Of more rows it is not counted how many different values there are beyond so many, where some
# value comes again among the first rows: nothing depends on it, and it takes longest of all.
MOST_COUNTED, MANY = 500_000, 1_000
_BEGIN = 100_000


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
        distinct: How many different values there are; 0 for nested ones. Of more than
            `MOST_COUNTED` rows, more than `MANY` may be more than it says; that each row has
            another is known of those that may be keys.
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


def profile_columns(connection: duckdb.DuckDBPyConnection, names: list[str]) -> list[ColumnProfile]:
    """Look at all columns of the relation ``data``, which are called ``c0``, ``c1`` and so on.

    Args:
        names: The columns' names in the source.
    """
    kinds = column_kinds(connection)
    identifiers = sql_identifiers(names, _reserved(connection))
    rows = _one(connection, "SELECT count(*) FROM data")[0]
    keys = {
        key
        for at, (key, identifier) in enumerate(zip(kinds, identifiers, strict=True))
        if may_identify(identifier, kinds[key], is_first=at == 0)
    }
    counts = _counts(connection, kinds, rows, keys)
    few = [
        key
        for key, (_, different, _) in counts.items()
        if plain_kind(kinds[key]) == "VARCHAR" and 0 < different <= _MOST_VALUES
    ]
    values = _values(connection, few)
    return [
        ColumnProfile(
            name=name,
            identifier=identifier,
            key=key,
            type=plain_kind(kind),
            nested=type_family(kind) == "nested",
            rows=rows,
            nulls=rows - counts[key][0],
            distinct=counts[key][1],
            longest=counts[key][2],
            values=values.get(key, ()),
        )
        for name, identifier, (key, kind) in zip(names, identifiers, kinds.items(), strict=True)
    ]


def column_kinds(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """DuckDB's types of the columns of the relation ``data``, by key."""
    described = connection.execute("DESCRIBE data").fetchall()
    return {str(key): str(kind) for key, kind, *_ in described}


def plain_kind(kind: str) -> str:
    """The type that a column is cast to: lists and objects are JSON, and their own names texts."""
    if type_family(kind) == "nested":
        return "JSON"
    return "VARCHAR" if kind.startswith("ENUM") else kind


def _counts(
    connection: duckdb.DuckDBPyConnection, kinds: dict[str, str], rows: int, keys: set[str]
) -> dict[str, tuple[int, int, int]]:
    """How many values each column has, how many different ones, and the length of the longest.

    Args:
        keys: Columns of which it matters that they differ in all rows.
    """
    plain = [key for key, kind in kinds.items() if type_family(kind) != "nested"]
    different = dict.fromkeys(kinds, 0)
    uncounted = plain
    if rows > MOST_COUNTED:
        begin = f"(FROM data LIMIT {_BEGIN})"
        different |= _distinct(connection, plain, begin, _BEGIN)
        # A column that may be few values, or a key, is counted to the end.
        uncounted = [
            key
            for key in plain
            if different[key] <= MANY or (different[key] == _BEGIN and key in keys)
        ]
    different |= _distinct(connection, uncounted, "data", rows)
    texts = {key for key, kind in kinds.items() if plain_kind(kind) == "VARCHAR"}
    asked = [
        f"count({key}), coalesce(max(length({key}::VARCHAR)), 0)"
        if key in texts
        else f"count({key}), 0"
        for key in kinds
    ]
    answers = _asked(connection, asked, "data", _COLUMNS_AT_ONCE)
    return {
        key: (answers[2 * at], different[key], answers[2 * at + 1]) for at, key in enumerate(kinds)
    }


def _distinct(
    connection: duckdb.DuckDBPyConnection, keys: list[str], relation: str, rows: int
) -> dict[str, int]:
    """How many different values columns have in a relation of so many rows."""
    # Each column's different values are held until its statement ends.
    at_once = min(max(_VALUES_AT_ONCE // max(rows, 1), 1), _COLUMNS_AT_ONCE)
    asked = [f"count(DISTINCT {key})" for key in keys]
    return dict(zip(keys, _asked(connection, asked, relation, at_once), strict=True))


def _asked(
    connection: duckdb.DuckDBPyConnection, asked: list[str], relation: str, at_once: int
) -> list[Any]:
    """What is asked of columns, so many in one statement."""
    answers: list[Any] = []
    progress = step_progress()
    for start in range(0, len(asked), at_once):
        part = asked[start : start + at_once]
        answers += _one(connection, f"SELECT {', '.join(part)} FROM {relation}")  # noqa: S608
        progress.count(parts=start + len(part), total_parts=len(asked), of="columns")
    return answers


def _values(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> dict[str, tuple[str, ...]]:
    """All values of columns that have few, in their order."""
    found = {}
    for start in range(0, len(keys), _COLUMNS_AT_ONCE):
        part = keys[start : start + _COLUMNS_AT_ONCE]
        asked = (f"list(DISTINCT {key}::VARCHAR) FILTER ({key} IS NOT NULL)" for key in part)
        answers = _one(connection, f"SELECT {', '.join(asked)} FROM data")  # noqa: S608
        for key, listed in zip(part, answers, strict=True):
            # By code points, which is the order of their bytes in UTF-8 as well.
            found[key] = tuple(sorted(map(str, listed or ())))
    return found


def _reserved(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    rows = connection.execute(
        "SELECT keyword_name FROM duckdb_keywords() "
        "WHERE keyword_category IN ('reserved', 'type_function')"
    ).fetchall()
    return frozenset({str(word) for (word,) in rows} | {*_TAKEN, *_ALSO_RESERVED})


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return row if row is not None else ()
