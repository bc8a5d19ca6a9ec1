"""Columns that are called after what is numbered in parts: of versions 1.10 is another than 1.1."""

from __future__ import annotations

from dataflow.sources.column_names import sql_identifiers

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
