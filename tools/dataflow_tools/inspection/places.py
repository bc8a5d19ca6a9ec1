"""Where rows lie on a map: columns of latitude and longitude, and columns of countries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal
from dataflow_tools.inspection.countries import country_codes, country_names

if TYPE_CHECKING:
    from dataflow_tools.inspection.profile import ColumnProfile
    from dataflow_tools.inspection.questions import Questions

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


def coordinates_of(questions: Questions, profiles: list[ColumnProfile]) -> dict[str, str]:
    """Pairs of coordinates: the longitude of each latitude, by identifier.

    Two columns are a pair if what else they are called is the same (``pickup_lat`` and
    ``pickup_lon``), and all their values are degrees.
    """
    found = {}
    numbers = [one for one in profiles if one.whole or one.fractional]
    longitudes = [one for one in numbers if _is_called(one, LONGITUDES | _LENGTHS)]
    for latitude in numbers:
        for longitude in longitudes if _is_called(latitude, LATITUDES | _WIDTHS) else ():
            if _is_pair(latitude, longitude) and _are_degrees(questions, latitude, longitude):
                found[latitude.identifier] = longitude.identifier
    return found


def _is_called(column: ColumnProfile, words: frozenset[str]) -> bool:
    return not words.isdisjoint(column.identifier.split("_"))


def _is_pair(latitude: ColumnProfile, longitude: ColumnProfile) -> bool:
    first, second = latitude.identifier.split("_"), longitude.identifier.split("_")
    return any(
        bool(north & set(first))
        and bool(east & set(second))
        and [word for word in first if word not in north]
        == [word for word in second if word not in east]
        for north, east in ((LATITUDES, LONGITUDES), (_WIDTHS, _LENGTHS))
    )


def _are_degrees(questions: Questions, latitude: ColumnProfile, longitude: ColumnProfile) -> bool:
    (row,) = questions.fetch(
        f"SELECT count(*), bool_and({latitude.key} BETWEEN -90 AND 90 "  # noqa: S608
        f"AND {longitude.key} BETWEEN -180 AND 180), "
        f"avg((length(split_part({latitude.key}::VARCHAR, '.', 2)) >= {_DECIMALS})::INTEGER) "
        f"FROM data WHERE {latitude.key} IS NOT NULL AND {longitude.key} IS NOT NULL"
    )
    count, within, exact = row
    is_doubtful = not _WIDTHS.isdisjoint(latitude.identifier.split("_"))
    return bool(count and within and (not is_doubtful or exact > 1 / 2))


def names_countries(questions: Questions, column: ColumnProfile) -> bool:
    """Whether all values of a column are countries: codes of ISO 3166, or English names.

    Codes count only in a column that is called so: CA, DE and IN are states of the USA as well.
    """
    if not column.text or column.distinct < 2 or column.distinct > len(country_names()):
        return False
    is_called_so = not _COUNTRIES.isdisjoint(column.identifier.split("_"))
    if is_called_so and _all_among(questions, column.key, column, country_codes()):
        return True
    is_plain = is_called_so or column.distinct >= _ENOUGH_NAMES
    return is_plain and _all_among(questions, f"lower({column.key})", column, country_names())


def _all_among(
    questions: Questions,
    value: str,
    column: ColumnProfile,
    known: frozenset[str],
) -> bool:
    listed = ", ".join(quote_literal(one) for one in sorted(known))
    return questions.holds(f"{value} IN ({listed})", column)
