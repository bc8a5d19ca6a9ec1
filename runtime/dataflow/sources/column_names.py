"""Names of columns: telling them apart, and making SQL identifiers of them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_LONGEST = 60
# Letters that Unicode does not take apart into a Latin one and its marks.
_LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th"}
)
# Signs that mean a word in the names of columns.
_WORDS = {
    "%": " percent ",
    "#": " number ",
    "&": " and ",
    "+": " plus ",
    "€": " eur ",
    "$": " usd ",
}
# `depDelay` and `HTTPServer` have their words joined without a sign.
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def compared_name(name: str) -> str:
    """A name as it is compared with an agreed one: case, kinds of blanks and marks do not count.

    A mark on a letter may be a sign of its own, as some systems write it.

    >>> compared_name("Total\u00a0 Gro\u0308\u00dfe") == compared_name("total gr\u00f6\u00dfe")
    True
    """
    return " ".join(unicodedata.normalize("NFC", name).lower().split())


def distinct_names(
    names: Sequence[str], agreed: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Make names differ by more than case, as the warehouse needs it, and none of them empty.

    A name that was there before gets ``_2``, ``_3`` and so on; an empty one is ``column_`` and its
    number. All others stay as they are.

    Args:
        agreed: What names were made before. Of those that differ by case, whatever their order is
            today, each gets the name that was made of it.

    Returns:
        The names in their order, and a note on each that was changed.

    >>> distinct_names(["ID", "id"])[0], distinct_names(["id", "ID"], ["ID", "id_2"])[0]
    (['ID', 'id_2'], ['id_2', 'ID'])
    """
    stripped = [name.strip() for name in names]
    taken = {name.lower() for name in stripped if name}
    met: set[str] = set()
    result: list[str] = []
    notes: list[str] = []
    first = _first_of_each(stripped, agreed)
    for number, name in enumerate(stripped, start=1):
        if name and name.lower() not in met and name == first.get(name.lower(), name):
            met.add(name.lower())
            result.append(name)
            continue
        again = (one for one in agreed if re.fullmatch(rf"{re.escape(name)}_\d+", one))
        made = next((one for one in again if one not in result), "")
        if made and name.lower() in first:
            taken.add(made.lower())
            result.append(made)
            notes.append(f"Column {number} is called {name!r}; it is read as {made!r}.")
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


def _first_of_each(names: Sequence[str], agreed: Collection[str]) -> dict[str, str]:
    """Of names that differ by case only the one that stays as it is, as was agreed."""
    times = Counter(name.lower() for name in set(names) if name)
    return {name.lower(): name for name in names if name in agreed and times[name.lower()] > 1}


def sql_identifiers(names: Sequence[str], reserved: Collection[str] = ()) -> list[str]:
    """Make of each name an identifier that needs no quotes: ASCII, lower snake_case, unique.

    Accents go (``Größe`` is ``grosse``), words in one are parted (``depDelay`` is ``dep_delay``),
    a name that starts with a digit gets ``col_`` before it, one that is a reserved word gets
    ``_`` behind it, and one without a Latin letter or digit is ``column_`` and its number.

    No identifier is one of ``reserved``, which are in lower case.
    """
    made = [_identifier(name, number) for number, name in enumerate(names, start=1)]
    # A column that is called like its identifier keeps it.
    kept = {name for name, identifier in zip(names, made, strict=True) if name == identifier}
    result: list[str] = []
    taken: set[str] = set()
    for name, identifier in zip(names, made, strict=True):
        base = f"{identifier}_" if identifier in reserved else identifier
        new, count = base, 2
        # A suffix must not take the name that another column has by itself.
        while (
            new in taken
            or new in reserved
            or (new in made and new != identifier)
            or (new in kept and new != name)
        ):
            new = f"{base.rstrip('_')}_{count}"
            count += 1
        taken.add(new)
        result.append(new)
    return result


def _identifier(name: str, number: int) -> str:
    for sign, word in _WORDS.items():
        name = name.replace(sign, word)
    parted = unicodedata.normalize("NFKD", _HUMPS.sub(" ", name).lower().translate(_LATIN))
    # Marks go without leaving a gap; whatever else is not Latin parts words.
    bare = "".join(sign for sign in parted if not unicodedata.combining(sign))
    words = re.findall(r"[a-z0-9]+", bare)
    identifier = "_".join(words)[:_LONGEST].rstrip("_")
    if not identifier:
        return f"column_{number}"
    return f"col_{identifier}" if identifier[0].isdigit() else identifier
