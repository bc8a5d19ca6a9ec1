"""What each row of a table is about."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tools.inspection.small_tables import AMOUNTS, DAYS, N, csv_of, shown

NAMES = [f"Country {i}" for i in range(N)]
CODES = [f"C{i:03d}" for i in range(N)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "entity"),
    [
        ([("code", CODES), ("name", NAMES)], "name"),
        ([("part_no", CODES)], "part_no"),
        # Neither numbers nor what nobody reads.
        ([("id", list(range(N))), ("email", [f"{code}@x.org" for code in CODES])], None),
        # There is one row for each day.
        ([("day", DAYS), ("name", NAMES)], None),
    ],
)
def test_a_row_is_about_what_names_it(
    look: Any, columns: list[tuple[str, list[Any]]], entity: str | None
) -> None:
    """A name goes before a key."""
    found = shown(look(csv_of(*columns, ("amount", AMOUNTS))))
    assert [name for name, facts in found.items() if "entity" in facts] == [entity] * bool(entity)


@pytest.mark.slow
def test_people_of_one_time_add_up(look: Any) -> None:
    """The population of all countries is a sum; that of all years is none."""
    population = ("population", [1000 + i * i for i in range(N)])
    assert shown(look(csv_of(("name", NAMES), population)))["population"]["aggregate"] == "sum"
    assert "aggregate" not in shown(look(csv_of(("day", DAYS), population)))["population"]
