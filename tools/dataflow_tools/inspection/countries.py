"""The countries of ISO 3166, by their codes and English names."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path


def countries_file() -> Path:
    """The table of countries: alpha2, alpha3, numeric, names (parted by ``|``); by semicolons.

    The dashboards' maps read the same file.
    """
    return Path(str(files("dataflow_tools.inspection"))) / "countries.csv"


@cache
def country_codes() -> frozenset[str]:
    """All codes of two and of three letters."""
    return frozenset(row[column] for row in _rows() for column in ("alpha2", "alpha3"))


@cache
def country_names() -> frozenset[str]:
    """All English names in small letters; one that two countries have is none."""
    return frozenset(name.lower() for row in _rows() for name in row["names"].split("|"))


def _rows() -> list[dict[str, str]]:
    with countries_file().open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))
