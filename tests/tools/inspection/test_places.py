"""Which columns say where rows lie: coordinates and countries."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tools.inspection.small_tables import N, csv_of, shown

LATITUDES = [f"{48 + i / 1000:.4f}1" for i in range(N)]
LONGITUDES = [f"{11 + i / 1000:.4f}1" for i in range(N)]


@pytest.mark.parametrize(
    ("north", "east"),
    [
        ("lat", "lon"),
        ("Latitude", "Longitude"),
        ("pickup_lat", "pickup_lng"),
        ("Breitengrad", "Laengengrad"),
        ("breite", "laenge"),
    ],
)
def test_coordinates_are_a_pair(look: Any, north: str, east: str) -> None:
    """A latitude knows the longitude that belongs to it."""
    found = shown(look(csv_of((north, LATITUDES), (east, LONGITUDES))))
    assert found[north]["longitude"] == east.lower()


@pytest.mark.parametrize(
    ("north", "east", "values"),
    [
        # Of something else each.
        ("pickup_lat", "dropoff_lon", LATITUDES),
        # No degrees.
        ("lat", "lon", [100 + i for i in range(N)]),
        # A part's width and length.
        ("breite", "laenge", [20.5 + i for i in range(N)]),
    ],
)
def test_what_is_no_pair_has_no_map(look: Any, north: str, east: str, values: list[Any]) -> None:
    """Names or values leave it open, so nothing is drawn."""
    found = shown(look(csv_of((north, values), (east, LONGITUDES))))
    assert "longitude" not in found[north]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values", "is_country"),
    [
        ("country_code", ["DE", "FR", "US"], True),
        ("iso3", ["DEU", "FRA", "USA"], True),
        ("destination", ["Germany", "france", "Italy", "Spain", "United States"], True),
        # States of the USA, and first names.
        ("state", ["CA", "DE", "IN"], False),
        ("first_name", ["Chad", "Jordan", "Georgia"], False),
        ("country", ["Germany", "France", "Atlantis"], False),
    ],
)
def test_countries_are_known(look: Any, name: str, values: list[str], is_country: bool) -> None:
    """Codes count in a column that is called so, names everywhere if there are several."""
    column = [values[i % len(values)] for i in range(N)]
    found = shown(look(csv_of(("id", list(range(N))), (name, column))))
    assert found[name].get("country", False) is is_country
