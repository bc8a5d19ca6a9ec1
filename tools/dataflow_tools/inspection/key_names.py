"""Which columns may tell rows apart, by what they are called and what they hold."""

from __future__ import annotations

from dataflow.shared.sql import type_family
from dataflow_tools.inspection.roles import named_like_a_code

# The last word of a key's name, the best first.
KEY_WORDS = ("id", "uuid", "guid", "key", "code", "number", "no", "nr", "symbol", "iata", "isbn")


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
