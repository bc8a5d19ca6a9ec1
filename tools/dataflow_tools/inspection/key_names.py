"""Which columns may tell rows apart, by what they are called and what they hold."""

from __future__ import annotations

import re

from dataflow.shared.sql import type_family

# The last word of a key's name, the best first.
KEY_WORDS = ("id", "uuid", "guid", "key", "code", "number", "no", "nr", "symbol", "iata", "isbn")

# Whole numbers that are called so are names of things, not amounts.
_CODES = frozenset(
    """
    id ids key code codes no nr num number zip zipcode postal postcode plz phone fax year yr month
    mon week day weekday dow doy quarter hour hr minute min second sec rank index idx row version
    fips sku isbn ean gtin tz timezone offset series level grade class cluster flight lot room floor
    gate platform line route zone ward district block parcel dir direction bearing
    """.split()  # noqa: SIM905
)


def named_like_a_code(identifier: str) -> bool:
    """Whether a column of numbers is called like one of names of things, not of amounts."""
    words = identifier.split("_")
    return not _CODES.isdisjoint({*words, re.sub(r"\d+$", "", words[-1])})


def may_identify(identifier: str, kind: str, *, is_first: bool) -> bool:
    """Whether it matters that a column differs in all rows: amounts do so by chance.

    Args:
        kind: DuckDB's type of the column.
        is_first: Whether it is the first one of the table.

    >>> [may_identify(name, "BIGINT", is_first=False) for name in ("order_id", "amount")]
    [True, False]
    """
    is_number = type_family(kind) in ("whole", "fraction")
    is_named = identifier.split("_")[-1] in KEY_WORDS or named_like_a_code(identifier)
    return is_first or is_named or not is_number
