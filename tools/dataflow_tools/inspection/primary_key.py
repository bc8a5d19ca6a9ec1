"""The columns that tell the rows of a table apart."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from dataflow_tools.inspection.key_names import KEY_WORDS, named_like_a_code
from dataflow_tools.inspection.profile import MOST_COUNTED

if TYPE_CHECKING:
    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

_DESCRIPTIONS = frozenset(
    ("name", "title", "description", "text", "comment", "note", "address", "street", "email")
)
# Longer texts describe; they do not identify.
_LONGEST_KEY = 64
# Pairs are tried among so many columns.
_MOST_COLUMNS = 12
_FIRST_LOOK = 50_000


def find_primary_key(
    connection: duckdb.DuckDBPyConnection,
    profiles: list[ColumnProfile],
    *,
    repeated: bool = False,
) -> list[str]:
    """Names of the column, or pair of columns, proven to be different in all rows and never null.

    A column that is unique by chance, such as a measurement, is passed over; columns that are
    called like keys come first.

    Args:
        repeated: Whether there are rows that are the same as others, beside these. They may each
            count; only a column that is called like a key says that one of them is enough.

    Returns:
        One or two names, or none if nothing plausible is unique.
    """
    rows = profiles[0].rows if profiles else 0
    if rows < 2:
        return []
    plausible = sorted(filter(_plausible, profiles), key=_rank)
    for column in plausible:
        if column.unique and (
            (column.time and not repeated)
            or _named_like_a_key(column)
            or (column is profiles[0] and not repeated and not _described(column))
        ):
            return [column.name]
    if repeated:
        return []
    parts = [column for column in plausible if 1 < column.distinct < rows and _part(column)]
    parts = parts[:_MOST_COLUMNS]
    for first, second in combinations(parts, 2):
        enough = rows > MOST_COUNTED or first.distinct * second.distinct >= rows
        if enough and _unique(connection, first, second, rows):
            return [c.name for c in profiles if c in (first, second)]
    return []


def _plausible(column: ColumnProfile) -> bool:
    if column.nulls or column.nested or column.fractional or column.type in ("BOOLEAN", "BLOB"):
        return False
    return column.longest <= _LONGEST_KEY


def _named_like_a_key(column: ColumnProfile) -> bool:
    return column.identifier.split("_")[-1] in KEY_WORDS


def _described(column: ColumnProfile) -> bool:
    """Whether a text is a name or description, which is different in all rows only by chance."""
    return column.text and not _DESCRIPTIONS.isdisjoint(column.identifier.split("_"))


def _part(column: ColumnProfile) -> bool:
    """Whether a column may be half of a key; two amounts may differ in all rows by chance."""
    return not _described(column) and (not column.whole or named_like_a_code(column.identifier))


def _rank(column: ColumnProfile) -> tuple[int, bool]:
    words = column.identifier.split("_")
    named = next((i for i, word in enumerate(KEY_WORDS) if word == words[-1]), len(KEY_WORDS))
    # A bare `id` is the table's own; `shop_id` may point to another one.
    return (named - (len(words) == 1), not column.whole)


def _unique(
    connection: duckdb.DuckDBPyConnection, first: ColumnProfile, second: ColumnProfile, rows: int
) -> bool:
    pairs = f"SELECT DISTINCT {first.key}, {second.key} FROM"
    for looked in (_FIRST_LOOK, rows):
        # Most pairs that come again do so among the first rows.
        few = min(looked, rows)
        part = f"(FROM data LIMIT {few})" if few < rows else "data"
        row = connection.execute(f"SELECT count(*) FROM ({pairs} {part})").fetchone()  # noqa: S608
        if row is None or row[0] != few:
            return False
    return True
