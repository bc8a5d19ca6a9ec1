"""Which measures are added up."""

from __future__ import annotations

import pytest

from dataflow_tools.inspection.aggregation import aggregate_of


@pytest.mark.parametrize(
    "identifier",
    [
        *("amount", "net_cash_flow", "us_gross", "imdb_votes", "quantity", "precipitation"),
        *("gesamtkosten", "nettobetrag", "umsatzerlose_eur", "stuckzahl", "anzahl_besucher"),
        *("montant_ttc", "nb_clients", "importe", "gastos_totales", "fatturato", "jaaromzet"),
    ],
)
def test_amounts_are_added_up(identifier: str) -> None:
    """Twice as many rows have twice as much of it."""
    assert aggregate_of(identifier) == "sum"


@pytest.mark.parametrize(
    "identifier",
    [
        *(
            "unit_price",
            "sales_per_head",
            "tax_rate",
            "cash_balance",
            "temp_max",
            "dep_delay",
            "age",
        ),
        *("stuckkosten", "steuersatz", "kosten_je_stuck", "preis", "costo_unitario", "kostenquote"),
    ],
)
def test_all_else_is_averaged(identifier: str) -> None:
    """The sum of prices, rates, states and temperatures says nothing."""
    assert aggregate_of(identifier) == "average"
