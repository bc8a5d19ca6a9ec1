"""How the values of a measure are put together for a group of rows: added up, or averaged."""

from __future__ import annotations

# Amounts of something: twice as many rows have twice as much of it.
_AMOUNTS = frozenset(
    """
    amount amounts arrivals budget bytes cases cash clicks consumption cost costs count counts
    deaths departures donations downloads emission emissions energy expense expenses fare fares fee
    fees flow generation gross impressions income invoiced items kwh loss losses mwh net
    orders paid passengers payment payments pieces precipitation production profit profits
    purchases qty quantity rain rainfall receipts refund refunds revenue revenues sale sales
    shipments snow snowfall sold spend spending spent sum tax taxes tip tips tolls total totals
    transactions turnover units usage views visitors visits volume votes
    """.split()  # noqa: SIM905
)
# One value for many rows, a value of each unit, or a state that lasts: a sum says nothing.
_OTHERS = frozenset(
    """
    average avg balance capacity factor fraction index inventory level mean median pct per percent
    percentage price probability quota rate rates rating ratio score share speed stock temp
    temperature unit
    """.split()  # noqa: SIM905
)
# What adds up over places and groups, but not over time.
_STOCKS = frozenset(
    "area employees gdp headcount households inhabitants population residents".split()  # noqa: SIM905
)


def is_stock(identifier: str) -> bool:
    """Whether a measure adds up where all rows are of one time: people, not people of each year."""
    words = set(identifier.split("_"))
    return bool(words & _STOCKS) and not words & _OTHERS


def aggregate_of(identifier: str) -> str:
    """How to put the values of a measure together, as far as its name tells.

    Args:
        identifier: The name of the column, words joined by underscores.

    Returns:
        ``sum`` for amounts, ``average`` for all else: prices, rates, temperatures, delays.
    """
    words = set(identifier.split("_"))
    return "sum" if words & _AMOUNTS and not words & _OTHERS else "average"
