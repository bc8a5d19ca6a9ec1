"""Periods of a page: which are whole, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from tests.tools.site.site_scripts import answers, call

PICKED: dict[str, Any] = {"from": "", "to": "", "grain": "", "categories": {}}
DATA = {
    "source": "shop",
    "table": "orders",
    "date": "moment",
    "categories": ["country"],
    "measures": [
        {"name": "amount", "aggregate": "sum"},
        {"name": "price", "aggregate": "average"},
    ],
}
# As a rendered source query makes it.
DAILY = """
CREATE TABLE shop.orders_daily AS
SELECT moment::DATE AS day, min(moment) AS first_at, max(moment) AS last_at, country,
    sum(amount)::DOUBLE AS amount_sum, count(amount) AS amount_count,
    sum(price) AS price_sum, count(price) AS price_count, count(*) AS row_count
FROM rows GROUP BY ALL
"""
# A row every 10 minutes from a Monday on, for 70 days and until 15:58 of the next one.
CONSTANT = """
SELECT TIMESTAMP '2024-01-01 00:08' + range * INTERVAL 10 MINUTE AS moment,
    ['France', 'Japan'][range % 2 + 1] AS country, 2.0 AS amount, range % 7 AS price
FROM range(70 * 144 + 96)
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA shop")
        yield opened


def load(connection: duckdb.DuckDBPyConnection, rows: str, published: str) -> None:
    """Make the tables that are published of some rows at a moment, by the workflow's clock."""
    connection.execute(f"CREATE TABLE rows AS {rows}")
    connection.execute(DAILY)
    connection.execute(
        "CREATE TABLE shop.published AS SELECT 'orders' AS table_name, "
        f"TIMESTAMP '{published}' AS published_local"
    )


def periods(
    connection: duckdb.DuckDBPyConnection, grain: str = "", by: str | None = None, **changed: Any
) -> list[dict[str, Any]]:
    """The periods that a page shows; ``changed`` is what is picked, and ``series``."""
    data = DATA | {key: changed.pop(key) for key in ("series",) if key in changed}
    picked = PICKED | changed
    (extent,) = answers(connection, call("periods.js", "extentSql", data))
    grain = grain or call("periods.js", "grainsFor", extent, picked)["grain"]
    return answers(connection, call("periods.js", "periodsSql", data, picked, grain, extent, by))


@pytest.mark.slow
def test_a_day_that_ends_at_15_58_is_not_compared(connection: duckdb.DuckDBPyConnection) -> None:
    """At a constant rate the last whole day has a change of 0 %, and the next one has none."""
    load(connection, CONSTANT, "2024-05-01 06:00")
    *wholes, last = periods(connection)

    assert (last["start"], last["is_whole"], last["row_count"]) == ("2024-03-11", False, 96)
    assert last["amount_before"] is None
    assert all(one["is_whole"] for one in wholes)
    assert {one["row_count"] for one in wholes} == {144}
    headline = wholes[-1]
    change = call("measures.js", "changeText", {}, headline["amount"], headline["amount_before"])
    assert change == "0.0 %"


@pytest.mark.slow
@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_every_number_is_duckdbs(connection: duckdb.DuckDBPyConnection, grain: str) -> None:
    """Sums, means and the values of earlier periods are those of the rows."""
    rows = CONSTANT.replace("range(70 * 144 + 96)", "range(3 * 365 * 144)")
    load(connection, rows, "2027-05-01 06:00")
    width = "1 day" if grain == "day" else "7 day" if grain == "week" else ""
    back = "364 day" if width else "1 year"
    before = width or {"month": "1 month", "quarter": "3 month", "year": "1 year"}[grain]
    expected = connection.execute(f"""
        WITH truth AS (
            SELECT date_trunc('{grain}', moment)::DATE AS start, count(*) AS n,
                sum(amount) AS amount, avg(price) AS price
            FROM rows WHERE country = 'France' GROUP BY 1
        )
        SELECT truth.start::VARCHAR, truth.n, truth.amount, round(truth.price, 9),
            earlier.amount, round(last.price, 9)
        FROM truth
        LEFT JOIN truth AS earlier ON earlier.start = truth.start - INTERVAL {before}
        LEFT JOIN truth AS last ON last.start = truth.start - INTERVAL {back}
        ORDER BY ALL
    """).fetchall()
    found = periods(connection, grain, categories={"country": ["France"]})

    assert [(one["start"], one["row_count"], one["amount"]) for one in found] == [
        row[:3] for row in expected
    ]
    assert [round(one["price"], 9) for one in found] == [row[3] for row in expected]
    whole = {one["start"] for one in found if one["is_whole"]}
    assert len(whole) >= len(found) - 1
    for one, row in zip(found, expected, strict=True):
        compared = one["start"] in whole
        assert one["amount_before"] in ({row[4]} if compared else {None}) | {None}
        last_year = one["price_year_before"]
        assert last_year is None or round(last_year, 9) == row[5]
    assert found[-2]["amount_before"] == expected[-2][4]


@pytest.mark.slow
def test_a_day_that_is_not_over_is_unfinished(connection: duckdb.DuckDBPyConnection) -> None:
    """What was published at 6 in the morning has only the beginning of that day, by date alone."""
    rows = (
        "SELECT TIMESTAMP '2024-01-01' + range // 5 * INTERVAL 1 DAY AS moment, 'x' AS country, "
        "1.0 AS amount, 1.0 AS price FROM range(100)"
    )
    load(connection, rows, "2024-01-20 06:00")
    assert [one["is_whole"] for one in periods(connection)] == [True] * 19 + [False]
    # Where there is one row for each date, the date's own is there.
    assert {one["is_whole"] for one in periods(connection, series=True)} == {True}


@pytest.mark.slow
def test_weeks_of_working_days_are_whole_on_friday(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """A week whose last rows come on a Friday, as in the weeks before, lacks nothing."""
    rows = (
        "SELECT * FROM (SELECT TIMESTAMP '2024-01-01' + range * INTERVAL 1 DAY AS moment, 'x' AS "
        "country, 1.0 AS amount, 1.0 AS price FROM range({days})) WHERE isodow(moment) <= 5"
    )
    load(connection, rows.format(days=7 * 30), "2024-08-01 06:00")
    assert {one["is_whole"] for one in periods(connection, "week", series=True)} == {True}
    connection.execute("DROP TABLE rows; DROP TABLE shop.orders_daily; DROP TABLE shop.published")
    load(connection, rows.format(days=7 * 30 + 3), "2024-08-01 06:00")
    assert [one["is_whole"] for one in periods(connection, "week", series=True)] == [
        *[True] * 30,
        False,
    ]


@pytest.mark.slow
def test_the_first_period_may_have_begun_before_the_data(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """A month of which the data has the last days only is compared with nothing."""
    rows = CONSTANT.replace("2024-01-01 00:08", "2023-12-20 00:08")
    load(connection, rows, "2024-05-01 06:00")
    first, second, *_ = periods(connection, "month")
    assert (first["is_whole"], second["is_whole"]) == (False, True)
    assert second["amount_before"] is None


@pytest.mark.slow
def test_what_is_picked_changes_no_period(connection: duckdb.DuckDBPyConnection) -> None:
    """A country that sold nothing at the end has days of none there, not unfinished ones."""
    rows = (
        "SELECT * REPLACE (CASE WHEN moment < '2024-02-01' THEN 'Japan' ELSE 'France' END AS "
        f"country) FROM ({CONSTANT})"
    )
    load(connection, rows, "2024-05-01 06:00")
    found = periods(connection, categories={"country": ["Japan"]}, **{"from": "2024-01-31"})
    assert [(one["start"], one["is_whole"], one["row_count"], one["amount"]) for one in found][
        :2
    ] == [("2024-01-31", True, 144, 288), ("2024-02-01", True, 0, 0)]
    assert found[0]["amount_before"] == 288
    assert found[1]["price"] is None


@pytest.mark.slow
def test_four_weeks_end_with_the_last_whole_week(connection: duckdb.DuckDBPyConnection) -> None:
    """Long periods have points of 28 days, alike in their weekdays, the last of them whole."""
    rows = CONSTANT.replace("range(70 * 144 + 96)", "range(1200 * 144 + 96)")
    load(connection, rows, "2028-05-01 06:00")
    found = periods(connection)
    wholes = [one for one in found if one["is_whole"]]
    (until,) = (
        connection.execute(
            "SELECT date_trunc('week', max(moment))::DATE::VARCHAR FROM rows"
        ).fetchone()
        or ()
    )
    assert wholes[-1]["stop"] == until
    assert {one["row_count"] for one in wholes} == {28 * 144}
    assert wholes[-1]["amount_year_before"] == wholes[-1]["amount"]


@pytest.mark.slow
def test_what_comes_by_month_or_year_has_its_own_points(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """No line goes down to nothing between the dates of monthly or yearly data."""
    for step, grain in (("1 MONTH", "month"), ("3 MONTH", "quarter"), ("1 YEAR", "year")):
        rows = (
            f"SELECT TIMESTAMP '2010-01-01' + range * INTERVAL {step} AS moment, 'x' AS country, "
            "1.0 AS amount, 1.0 AS price FROM range(12)"
        )
        load(connection, rows, "2030-01-01 00:00")
        (extent,) = answers(connection, call("periods.js", "extentSql", DATA))
        assert call("periods.js", "grainsFor", extent, PICKED)["grain"] == grain
        assert [one["row_count"] for one in periods(connection)] == [1] * 12
        connection.execute(
            "DROP TABLE rows; DROP TABLE shop.orders_daily; DROP TABLE shop.published"
        )


@pytest.mark.slow
def test_each_value_of_a_category_has_a_line(connection: duckdb.DuckDBPyConnection) -> None:
    """The values of all lines are those of their rows."""
    load(connection, CONSTANT, "2024-05-01 06:00")
    found = periods(connection, "week", by="country")
    expected = connection.execute(
        "SELECT country, date_trunc('week', moment)::DATE::VARCHAR, sum(amount) FROM rows "
        "GROUP BY ALL"
    ).fetchall()
    assert {(one["series"], one["start"], one["amount"]) for one in found} == set(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grain", "start", "stop", "title"),
    [
        ("day", "2024-03-05", "2024-03-06", "5 Mar 2024"),
        ("week", "2024-02-26", "2024-03-04", "26 Feb 2024 to 3 Mar 2024"),
        ("month", "2024-03-01", "2024-04-01", "Mar 2024"),
        ("quarter", "2024-10-01", "2025-01-01", "Q4 2024"),
        ("year", "2024-01-01", "2025-01-01", "2024"),
    ],
)
def test_periods_are_called_as_people_do(grain: str, start: str, stop: str, title: str) -> None:
    """All pages write dates in one way."""
    period = {"start": start, "stop": stop}
    assert call("periods.js", "periodTitle", grain, period) == title
