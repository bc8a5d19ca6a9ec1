"""Columns of what is numbered in parts, by name or values: of versions 1.10 is another than 1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.column_names import sql_identifiers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

# The last word of a name; those that other words may stand before, and those that stand alone.
_LAST = frozenset({"version", "versions", "versionen", "firmware"})
_ALONE = frozenset(
    {"ver", "release", "revision", "chapter", "section", "clause", "kapitel", "abschnitt", "wbs"}
)
_NUMBER = frozenset({"number", "no", "nr", "num", "id"})


def is_numbered(name: str) -> bool:
    """Whether a column is called after versions, chapters or the like, whose points part numbers.

    >>> is_numbered("App Version"), is_numbered("chapter_no"), is_numbered("cross section")
    (True, True, False)
    """
    words = sql_identifiers([name])[0].split("_")
    while len(words) > 1 and words[-1] in _NUMBER:
        words.pop()
    return words[-1] in _LAST or (len(words) == 1 and words[0] in _ALONE)


def look_numbered(
    connection: duckdb.DuckDBPyConnection, relation: str, texts: Sequence[str]
) -> list[bool]:
    """Whether the values of columns of numbers may be numbers in parts, such as 3.9 and 3.10.

    So they are where each has a second part that no zero begins, some of one digit and some that a
    zero ends: a program writes numbers with all such zeros, or with none.

    Args:
        relation: What may stand after FROM.
        texts: The columns' values as text, in SQL.
    """
    if not texts:
        return []
    tests = (
        f"bool_and(regexp_full_match({text}, '\\d+\\.(0|[1-9]\\d*)')) "
        f"AND bool_or(regexp_full_match({text}, '.*\\.[1-9]')) "
        f"AND bool_or(regexp_full_match({text}, '.*\\.\\d+0'))"
        for text in texts
    )
    row = connection.execute(f"SELECT {', '.join(tests)} FROM {relation}").fetchone()  # noqa: S608
    return [bool(each) for each in row or ()]
