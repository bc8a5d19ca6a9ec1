"""What a column is for: a date, a measure, a category, a code."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tools.inspection.small_tables import AMOUNTS, DAYS, N, csv_of, roles


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("amount", AMOUNTS, "measure"),
        ("quantity", [i % 7 for i in range(N)], "measure"),
        ("year", [2000 + i % 9 for i in range(N)], "code"),
        ("Jahr", [1990 + i % 9 for i in range(N)], "code"),
        ("customerId", [i % 9 for i in range(N)], "code"),
        ("hour2", [i % 24 for i in range(N)], "code"),
        ("lat", AMOUNTS, "place"),
        ("Longitude", AMOUNTS, "place"),
        ("open", ["true", "false"] * (N // 2), "flag"),
        ("note", [f"free text {i % 50}" for i in range(N)], "text"),
        ("constant", ["x"] * N, "text"),
        ("colour", ["red", "blue"] * (N // 2), "category"),
        ("at", ["10:00:00", "11:00:00"] * (N // 2), "category"),
    ],
)
def test_roles(look: Any, name: str, values: list[Any], role: str) -> None:
    """Amounts are measures; names of things that happen to be numbers are not."""
    assert roles(look(csv_of(("day", DAYS), (name, values))))[name] == role


@pytest.mark.slow
def test_clock_times_as_numbers_are_no_measures(look: Any) -> None:
    """517 for 5:17 is told from a duration in minutes by its digits."""
    clock = [f"{i % 24}{i % 60:02d}" for i in range(200)]
    text = csv_of(("dep_time", [int(c) for c in clock]), ("air_time", [i + 40 for i in range(200)]))
    found = roles(look(text))
    assert (found["dep_time"], found["air_time"]) == ("code", "measure")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["updated_at", "created_at"], "created_at"),
        (["birth_date", "order_date"], "order_date"),
        (["first", "second"], "first"),
    ],
)
def test_best_date(look: Any, names: list[str], best: str) -> None:
    """One date is chosen: the one that a row happened at; the others are times."""
    found = roles(look(csv_of((names[0], DAYS), (names[1], DAYS))))
    assert found[best] == "date"
    assert sorted(found.values()) == ["date", "time"]
