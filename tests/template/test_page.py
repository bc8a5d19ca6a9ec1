"""The queries of a rendered page, on data of different shapes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from copier import run_copy
from tests.conftest import REPOSITORY

Ask = Callable[[str, str], list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a table with a date, an amount and a price."""
    template = tmp_path_factory.mktemp("template")
    shutil.copy(REPOSITORY / "copier.yml", template)
    shutil.copytree(REPOSITORY / "template", template / "template")
    columns = [
        {"name": "day", "identifier": "day", "type": "DATE", "role": "date", "tests": []},
        {"name": "amount", "identifier": "amount", "type": "DOUBLE", "role": "measure"}
        | {"tests": [], "aggregate": "sum"},
        {"name": "price", "identifier": "price", "type": "DOUBLE", "role": "measure", "tests": []},
    ]
    answers = {"kind": "workflow", "source_url": "a.csv", "columns": columns}
    folder = tmp_path_factory.mktemp("project") / "shop"
    run_copy(str(template), folder, data=answers, defaults=True, quiet=True)
    return (folder / "evidence" / "pages" / "index.md").read_text()


@pytest.fixture
def ask(page: str) -> Ask:
    """Run one of the page's queries on a row for each of some days, chosen as the whole period."""
    blocks = dict(re.findall(r"```sql (\w+)\n(.*?)```", page, re.DOTALL))

    def query(name: str) -> str:
        inner = re.sub(r"\$\{(\w+)\}", lambda found: f"({query(found[1])})", blocks[name])
        return inner.replace("${inputs.period.start}", "1900-01-01").replace(
            "${inputs.period.end}", "2100-01-01"
        )

    def run(name: str, days: str) -> list[tuple[object, ...]]:
        with duckdb.connect() as connection:
            connection.execute("CREATE SCHEMA shop")
            connection.execute(
                "CREATE TABLE shop.shop_daily AS SELECT day::TIMESTAMP AS day, 10.0 AS amount_sum, "  # noqa: S608
                "2.0 AS amount_count, 6.0 AS price_sum, 2.0 AS price_count, 2.0 AS row_count "
                f"FROM ({days}) AS t (day)"
            )
            return connection.execute(query(name)).fetchall()

    return run


def test_amounts_are_added_up_and_prices_averaged(ask: Ask) -> None:
    """A point of seven days has the amount of all, and the mean price of all rows."""
    points = ask("over_time", "SELECT DATE '2024-01-01' + range::INTEGER FROM range(366)")

    first = date(2024, 12, 31) - timedelta(days=52 * 7 - 1)
    assert points[0] == (first, first + timedelta(days=6), 70, 3, 14)
    assert points[-1][:2] == (date(2024, 12, 25), date(2024, 12, 31))
    assert len(points) == 52
    assert {point[2:] for point in points} == {(70, 3, 14)}


@pytest.mark.parametrize(("step", "count"), [("1 MONTH", 30), ("1 YEAR", 12)])
def test_what_comes_by_month_or_year_has_its_own_points(ask: Ask, step: str, count: int) -> None:
    """No line goes down to nothing between the dates of monthly or yearly data."""
    days = f"SELECT DATE '2010-01-01' + range * INTERVAL {step} FROM range({count})"  # noqa: S608
    points = ask("over_time", days)

    assert len(points) == count
    assert {point[2:] for point in points} == {(10, 3, 2)}
    assert all(point[0] == point[1] for point in points)


def test_days_without_rows_count_as_none(ask: Ask) -> None:
    """A gap in events is a gap on the page: its rows are 0, and its mean price is not drawn."""
    points = ask(
        "over_time", "VALUES (DATE '2024-03-01'), (DATE '2024-03-02'), (DATE '2024-03-05')"
    )

    assert [point[4] for point in points] == [2, 2, 0, 0, 2]
    assert [point[3] for point in points] == [3, 3, None, None, 3]


def test_the_latest_figures_are_those_of_the_last_point(ask: Ask) -> None:
    """The headline names its days, and an empty table has none."""
    days = "SELECT DATE '2024-01-01' + range::INTEGER FROM range(366)"
    (headline,) = ask("headline", days)

    assert headline[2:5] == (70, 3, 14)
    assert "25 Dec 2024 to 31 Dec 2024" in headline
    assert headline[-3:] == (0, 0, 0)
    assert ask("headline", f"{days} LIMIT 0") == []
