"""Where rows lie on a map: columns of latitude and longitude, and columns of countries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal
from dataflow_tools.inspection.countries import country_codes, country_names
from dataflow_tools.inspection.profile import all_values

if TYPE_CHECKING:
    import duckdb

    from dataflow_tools.inspection.profile import ColumnProfile

LATITUDES = frozenset("lat latitude breitengrad".split())  # noqa: SIM905
LONGITUDES = frozenset("lon lng long longitude laengengrad längengrad langengrad".split())  # noqa: SIM905
# A part has a width and a length, too: of these only numbers with many decimals are degrees.
_WIDTHS = frozenset(["breite"])
_LENGTHS = frozenset(["laenge", "länge", "lange"])
_DECIMALS = 4
_COUNTRIES = frozenset(
    "country countries nation land staat pays pais iso iso2 iso3 alpha2 alpha3".split()  # noqa: SIM905
)
# So many names of countries are no chance, whatever the column is called.
_ENOUGH_NAMES = 5


def coordinates_of(
    connection: duckdb.DuckDBPyConnection, profiles: list[ColumnProfile]
) -> dict[str, str]:
    """Pairs of coordinates: the longitude of each latitude, by identifier.

    Two columns are a pair if what else they are called is the same (``pickup_lat`` and
    ``pickup_lon``), and all their values are degrees.
    """
    found = {}
    for latitude in profiles:
        for longitude in profiles:
            if _is_pair(latitude, longitude) and _are_degrees(connection, latitude, longitude):
                found[latitude.identifier] = longitude.identifier
    return found


def _is_pair(latitude: ColumnProfile, longitude: ColumnProfile) -> bool:
    if not all(column.whole or column.fractional for column in (latitude, longitude)):
        return False
    first, second = latitude.identifier.split("_"), longitude.identifier.split("_")
    return any(
        bool(north & set(first))
        and bool(east & set(second))
        and [word for word in first if word not in north]
        == [word for word in second if word not in east]
        for north, east in ((LATITUDES, LONGITUDES), (_WIDTHS, _LENGTHS))
    )


def _are_degrees(
    connection: duckdb.DuckDBPyConnection, latitude: ColumnProfile, longitude: ColumnProfile
) -> bool:
    row = connection.execute(
        f"SELECT count(*), bool_and({latitude.key} BETWEEN -90 AND 90 "  # noqa: S608
        f"AND {longitude.key} BETWEEN -180 AND 180), "
        f"avg((length(split_part({latitude.key}::VARCHAR, '.', 2)) >= {_DECIMALS})::INTEGER) "
        f"FROM data WHERE {latitude.key} IS NOT NULL AND {longitude.key} IS NOT NULL"
    ).fetchone()
    count, within, exact = row or (0, False, 0)
    is_doubtful = not _WIDTHS.isdisjoint(latitude.identifier.split("_"))
    return bool(count and within and (not is_doubtful or exact > 1 / 2))


def names_countries(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> bool:
    """Whether all values of a column are countries: codes of ISO 3166, or English names.

    Codes count only in a column that is called so: CA, DE and IN are states of the USA as well.
    """
    if not column.text or column.distinct < 2 or column.distinct > len(country_names()):
        return False
    is_called_so = not _COUNTRIES.isdisjoint(column.identifier.split("_"))
    if is_called_so and _all_among(connection, column.key, column, country_codes()):
        return True
    is_plain = is_called_so or column.distinct >= _ENOUGH_NAMES
    return is_plain and _all_among(connection, f"lower({column.key})", column, country_names())


def _all_among(
    connection: duckdb.DuckDBPyConnection,
    value: str,
    column: ColumnProfile,
    known: frozenset[str],
) -> bool:
    listed = ", ".join(quote_literal(one) for one in sorted(known))
    return all_values(connection, f"{value} IN ({listed})", column)
