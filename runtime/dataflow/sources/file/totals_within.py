"""Totals among the rows of a table, which count what they sum up twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted, shortened
from dataflow.sources.file.footer import Sums, total_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What most words for a total have in them: a file with none of it is not looked through.
_STEMS = ("tot", "sum", "som", "gesamt", "итог", "всего", "razem", "celkem", "toplam", "計", "计")


def may_have_totals(text: str) -> bool:
    """Whether a text has something in it that words for a total have.

    >>> may_have_totals("Subtotal;1"), may_have_totals("region;n")
    (True, False)
    """
    lower = text.lower()
    return any(stem in lower for stem in _STEMS)


def note_on_totals(shown: str, rows: Iterable[Sequence[str]], width: int) -> str:
    """What to say of rows that are called totals, and are the sums of others; empty if none is.

    Args:
        shown: What messages call the file.
        rows: The rows of the table, or the first of them.
        width: How many columns it has.
    """
    every, group = Sums(width), Sums(width)
    called: list[Sequence[str]] = []
    found: list[Sequence[str]] = []
    for row in rows:
        if not total_in(row):
            every.add(row)
            group.add(row)
            continue
        # A sum of one row is that row again, and no more.
        within = group.rows and group.match(row)
        (found if within or (every.rows > 1 and every.match(row)) else called).append(row)
        group = Sums(width)
    found += [row for row in called if every.rows > 1 and every.match(row)]
    if not found:
        return ""
    return (
        f"{shown}: rows called totals are the sums of others, and are read as rows, so that what "
        f"they sum up counts twice: {len(found):,}, one is "
        f"{quoted(shortened(', '.join(found[0])))}. Leave them out in the models, or in the file."
    )
