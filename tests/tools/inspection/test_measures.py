"""What a page needs to know of columns: periods, percentages, weights, kinds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dataflow_tools.inspection.source_inspection import Inspection, inspect_source

Look = Callable[[str], Inspection]


@pytest.fixture
def look(project: Path) -> Look:
    """Write a file into the project and look at it."""

    def write_and_look(text: str) -> Inspection:
        (project / "a.csv").write_text(text, encoding="utf-8")
        return inspect_source({"type": "file", "url": "a.csv"})

    return write_and_look


def column(inspection: Inspection, name: str) -> dict[str, Any]:
    answers: list[dict[str, Any]] = inspection.answers()["columns"]
    return next(one for one in answers if one["name"] == name)


@pytest.mark.parametrize(
    ("name", "values", "period"),
    [
        ("period", ["2024-01", "2024-02", "2024-12"], "month"),
        ("period", ["2024-Q1", "2024-Q2", "2025-Q4"], "quarter"),
        ("period", ["2024Q1", "2024Q2", "2025Q4"], "quarter"),
        ("week", ["2024-W01", "2024-W52", "2025-W09"], "week"),
        ("year", [1999, 2000, 2024], "year"),
    ],
)
def test_periods_are_time(look: Look, name: str, values: list[Any], period: str) -> None:
    """What names months, quarters, ISO weeks or years is what a series is drawn along."""
    rows = "\n".join(f"{value},{number}.5" for number, value in enumerate(values))
    found = column(look(f"{name},amount\n{rows}\n"), name)
    assert (found["role"], found["period"]) == ("date", period)


def test_a_date_goes_before_a_period(look: Look) -> None:
    """A table with days is drawn by day, whatever years it names as well."""
    found = look("day,year,amount\n2024-01-01,2024,1.5\n2025-01-02,2025,2.5\n")
    assert column(found, "day")["role"] == "date"
    assert "period" not in column(found, "year")


@pytest.mark.parametrize(
    ("name", "values", "format_"),
    [
        ("success_rate", [0.25, 0.5, 1], "share"),
        ("growth_pct", [25.5, -3.1, 110], "percent"),
        ("exchange_rate", [1.1, 25.4, 150.2], None),
        ("price", [0.25, 0.5, 0.75], None),
    ],
)
def test_percentages_are_known(
    look: Look, name: str, values: list[float], format_: str | None
) -> None:
    """A rate within 0 and 1 is a share, and what is called per cent is; no other number is."""
    rows = "\n".join(f"r{number},{value}" for number, value in enumerate(values))
    assert column(look(f"id,{name}\n{rows}\n"), name).get("format") == format_


def test_a_ratio_is_weighted_by_what_it_is_a_ratio_of(look: Look) -> None:
    """Conversions / visits in each row: a mean of it counts visits. A price of nothing has none."""
    rows = "\n".join(
        f"c{n},{n * 3 + 1},{100 + 13 * n},{round((n * 3 + 1) / (100 + 13 * n), 4)},{n * 7 % 5}.5"
        for n in range(30)
    )
    found = look(f"campaign,purchases,visits,conversion_rate,price\n{rows}\n")
    assert column(found, "conversion_rate")["weight"] == "visits"
    assert "weight" not in column(found, "price")


def test_a_ratio_is_weighted_in_a_table_of_more_rows_than_are_looked_at_first(look: Look) -> None:
    """The first look is at all columns that the test names, not at the ratio alone."""
    rows = "\n".join(
        f"c{n},{n * 3 + 1},{100 + 13 * n},{round((n * 3 + 1) / (100 + 13 * n), 4)}"
        for n in range(2_100)
    )
    found = look(f"campaign,purchases,visits,conversion_rate\n{rows}\n")
    assert column(found, "conversion_rate")["weight"] == "visits"


@pytest.mark.parametrize("kinds", [("revenue", "cost"), ("Erlöse", "Kosten"), ("Soll", "Ist")])
def test_kinds_of_money_are_told_apart(look: Look, kinds: tuple[str, str]) -> None:
    """Revenue and cost are not added up; regions are."""
    rows = "\n".join(f"{n},{kinds[n % 2]},r{n % 3},{n}.5" for n in range(20))
    found = look(f"id,account,region,amount\n{rows}\n")
    assert column(found, "account")["kinds"] is True
    assert "kinds" not in column(found, "region")


def test_currencies_are_told_apart(look: Look) -> None:
    """A mean of yen and dollars is none; a business unit is no unit that amounts are in."""
    rows = "\n".join(
        f"2024-{1 + n // 4:02d}-01,{('USD', 'JPY')[n % 2]},u{n % 4 // 2},{n}.5" for n in range(40)
    )
    found = look(f"month,currency,business_unit,rate\n{rows}\n")
    assert column(found, "currency")["kinds"] is True
    assert "kinds" not in column(found, "business_unit")


@pytest.mark.parametrize(("gap", "facts"), [(600, {"clock": True}), (0, None), (86400, {})])
def test_moments_of_events_are_irregular(
    look: Look, gap: int, facts: dict[str, bool] | None
) -> None:
    """What is measured every ten minutes is a series; what happens is counted."""
    start, moments = datetime(2024, 1, 1), []
    for n in range(200):
        moments.append(start)
        start += timedelta(seconds=gap or 60 + n * n % 997)
    rows = "\n".join(f"{moment.isoformat()},{n}.5" for n, moment in enumerate(moments))
    found = column(look(f"at,temperature\n{rows}\n"), "at")
    expected = {"clock": True, "irregular": True} if facts is None else facts
    assert {key: found[key] for key in ("clock", "irregular") if key in found} == expected
