"""Names of columns: telling them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["distinct_names"]


def distinct_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Make names differ by more than case, as the warehouse needs it, and none of them empty.

    A name that was there before gets ``_2``, ``_3`` and so on; an empty one is ``column_`` and its
    number. All others stay as they are.

    Returns:
        The names in their order, and a note on each that was changed.
    """
    stripped = [name.strip() for name in names]
    taken = {name.lower() for name in stripped if name}
    met: set[str] = set()
    result: list[str] = []
    notes: list[str] = []
    for number, name in enumerate(stripped, start=1):
        if name and name.lower() not in met:
            met.add(name.lower())
            result.append(name)
            continue
        base, count = (name, 2) if name else ("column", number)
        while f"{base}_{count}".lower() in taken:
            count += 1
        new = f"{base}_{count}"
        taken.add(new.lower())
        result.append(new)
        what = f"is called {name!r}, as one before it" if name else "has no name"
        notes.append(f"Column {number} {what}; it is read as {new!r}.")
    return result, notes
