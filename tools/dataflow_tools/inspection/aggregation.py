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
# The same in other languages, as names of columns are written: without accents.
_AMOUNTS_ELSEWHERE = frozenset(
    """
    absatz antal anzahl ausgaben belopp bestellungen besucher betrag betrage brutto einnahmen
    erlos erlose ertrag ertrage gebuhr gebuhren gesamt gewinn kosten menge mengen netto
    niederschlag steuer steuern stuck stuckzahl summe umsatz umsatze verbrauch verkaufe verlust
    charges chiffre cout couts depense depenses effectif montant montants nb nombre qte quantite
    quantites recette recettes vente ventes
    cantidad cantidades coste costes costo costos gasto gastos importe importes ingreso ingresos
    monto unidades venta ventas
    costi fatturato importi importo incassi quantita ricavi ricavo spesa spese vendita vendite
    custo custos despesa despesas faturamento quantidade receita receitas venda vendas
    aantal bedrag bedragen hoeveelheid inkomsten omzet opbrengst opbrengsten uitgaven
    belob kostnad kostnader omsattning
    """.split()  # noqa: SIM905
)
# German and Dutch write compounds as one word: Gesamtkosten, Nettobetrag, jaaromzet.
_ENDINGS = (
    *("anzahl", "ausgaben", "bedrag", "betrag", "betrage", "einnahmen", "erlos", "erlose"),
    *("gebuhr", "gebuhren", "gewinn", "kosten", "menge", "mengen", "omzet", "steuer", "summe"),
    *("uitgaven", "umsatz", "umsatze", "verbrauch", "verlust"),
)
# One value for many rows, a value of each unit, or a state that lasts: a sum says nothing.
_OTHERS = frozenset(
    """
    average avg balance capacity factor fraction index inventory level mean median pct per percent
    percentage price probability quota rate rates rating ratio score share speed stock temp
    temperature unit
    anteil bestand durchschnitt gemiddelde je kurs medio mittel mittelwert mittlere moyen moyenne
    par precio preco preis prezzo prijs prix promedio quote saldo satz solde tarief tarif tasa
    tasso taux unitaire unitario unitaria
    """.split()  # noqa: SIM905
)
# Costs and prices of one piece: Stückkosten, Einzelpreis.
_OF_ONE = ("durchschnitts", "einheits", "einzel", "stuck")
# What adds up over places and groups, but not over time.
_STOCKS = frozenset(
    """
    area employees gdp headcount households inhabitants population residents
    bevolkerung einwohner flache habitantes habitants haushalte inwoners mitarbeiter poblacion
    populacao popolazione superficie
    """.split()  # noqa: SIM905
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
    is_of_one = any(
        word.startswith(begin) and word.endswith(_ENDINGS) for word in words for begin in _OF_ONE
    )
    if words & _OTHERS or is_of_one:
        return "average"
    is_amount = words & (_AMOUNTS | _AMOUNTS_ELSEWHERE) or any(
        word.endswith(_ENDINGS) for word in words
    )
    return "sum" if is_amount else "average"
