"""The scripts that pages' components stand on: labels, addresses, numbers, distributions, files."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from tests.tools.site.site_scripts import answers, call

NOTHING: dict[str, Any] = {"from": "", "to": "", "grain": "", "categories": {}}


@pytest.mark.slow
def test_labels_are_written_for_people() -> None:
    """Words, acronyms, and the unit of the contract or of the name itself."""
    found = {
        (name, unit): call("labels.js", "labelOf", name, unit)
        for name, unit in [
            ("gdp", "million USD"),
            ("gdp_million_usd", ""),
            ("customer_id", ""),
            ("distance_km", ""),
            ("amount", "EUR"),
            ("kwh", ""),
            ("rate_per_eur", ""),
        ]
    }
    assert list(found.values()) == [
        "GDP (million USD)",
        "GDP (million USD)",
        "Customer ID",
        "Distance (km)",
        "Amount (EUR)",
        "kWh",
        "Rate per EUR",
    ]


@pytest.mark.slow
def test_an_address_holds_what_is_picked() -> None:
    """What is picked comes back from its address, whatever a category's values are."""
    picked = {
        "from": "2024-01-01",
        "to": "",
        "grain": "week",
        "categories": {"country": ["Côte d'Ivoire", "a&b=c"], "from": ["x"]},
    }
    search = call("address.js", "searchOf", picked, "?other=1")
    assert "other=1" in search
    assert call("address.js", "pickedIn", search, ["country", "from"]) == picked
    assert (
        call("address.js", "searchOf", NOTHING, search.replace("country", "c")).count("from=") == 0
    )


@pytest.mark.slow
def test_a_day_that_is_none_picks_nothing() -> None:
    """An address is written by anybody: it reaches SQL as a day or not at all."""
    search = "?from=2024-01-01'%20or%20true&to=2024-99-01"
    assert call("address.js", "pickedIn", search, []) == NOTHING


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "value", "before", "text", "change"),
    [
        ({}, 110, 100, "110", "+10.0 %"),
        ({"format": "share"}, 0.255, 0.25, "25.5 %", "+0.5 points"),
        ({"format": "percent"}, 25.5, 30, "25.5 %", "-4.5 points"),
        ({}, 5, 0, "5", None),
        ({}, None, 5, "\u2013", None),
    ],
)
def test_numbers_are_written_by_their_kind(
    measure: dict[str, str], value: Any, before: Any, text: str, change: str | None
) -> None:
    """A percentage is one, and differs in points; no change is told of nothing."""
    assert call("measures.js", "valueText", measure, value) == text
    found = call("measures.js", "changeText", measure, value, before)
    assert found == change


@pytest.mark.slow
def test_bars_of_whole_numbers_are_of_whole_numbers() -> None:
    """Ratings from 0 to 10 have a bar each, and none between."""
    for is_whole, width in ((True, 1), (False, 0.5)):
        spread = {"smallest": 0, "largest": 10, "is_whole": is_whole}
        assert call("distribution.js", "binWidth", spread) == width


@pytest.mark.slow
def test_a_table_of_rows_shows_whole_numbers() -> None:
    """No digit is left out, and the decimals of a column are as many."""
    assert call("formats.js", "exactText", 298723891, [298723891, 5]) == "298,723,891"
    assert call("formats.js", "exactText", 5.5, [5.5, 0.125]) == "5.500"


@pytest.mark.slow
def test_a_histogram_counts_every_value() -> None:
    """The bars hold what DuckDB counts between their ends, and all of it together."""
    data = {"source": "shop", "table": "orders", "categories": []}
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute(
            "CREATE TABLE shop.orders AS SELECT CASE WHEN range % 10 > 0 THEN "
            "(range * 7919 % 1000) / 7 - 20 END AS amount FROM range(5000)"
        )
        sql = call("distribution.js", "spreadSql", data, NOTHING, "amount")
        (spread,) = answers(connection, sql)
        width = call("distribution.js", "binWidth", spread)
        sql = call("distribution.js", "binsSql", data, NOTHING, "amount", width)
        bars = call("distribution.js", "barsOf", answers(connection, sql), width)
        for bar in bars:
            assert (bar["count"],) == connection.execute(
                "SELECT count(*) FROM shop.orders WHERE amount >= ? AND amount < ?",
                [bar["from"], bar["to"]],
            ).fetchone()
        truth = connection.execute(
            "SELECT min(amount), quantile_cont(amount, 0.5), max(amount), avg(amount), "
            "count(amount) FROM shop.orders"
        ).fetchone()
    names = ("smallest", "median", "largest", "mean", "filled")
    assert tuple(spread[name] for name in names) == truth
    assert sum(bar["count"] for bar in bars) == spread["filled"] < spread["rows"]
    assert 10 <= len(bars) <= 21


@pytest.mark.slow
@pytest.mark.parametrize(
    ("period", "value", "day"),
    [
        ("year", 2024, "2024-01-01"),
        ("quarter", "2024-Q3", "2024-07-01"),
        ("month", "2024-12", "2024-12-01"),
        ("week", "2020-W53", "2020-12-28"),
    ],
)
def test_days_of_periods_are_those_of_the_source_queries(period: str, value: Any, day: str) -> None:
    """Rows are filtered by the same days that the lines are drawn along."""
    sql = call("sql.js", "dayOf", {"date": "fiscal", "period": period})
    found = duckdb.sql(f"SELECT ({sql})::DATE::VARCHAR FROM (SELECT {value!r} AS fiscal)")
    assert found.fetchone() == (day,)


@pytest.mark.slow
def test_totals_are_weighted() -> None:
    """A rate of all rows is weighted as the rates of days are."""
    data = {
        "source": "main",
        "table": "visits",
        "measures": [{"name": "rate", "aggregate": "average", "weight": "visits"}],
    }
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE visits AS SELECT * FROM (VALUES (0.5, 10), (0.01, 990), (NULL, 5)) "
            "AS t (rate, visits)"
        )
        (found,) = answers(connection, call("measures.js", "totalsSql", data, NOTHING))
    assert float(found["rate"]) == pytest.approx(0.0149)


def test_a_file_has_the_values_as_they_are() -> None:
    """Nothing is put before what a spreadsheet takes for a formula; signs of CSV are quoted."""
    columns = [{"column_name": "a"}, {"column_name": "b,c"}]
    rows = [{"a": "=1+1", "b,c": 'x "y"'}, {"a": -5, "b,c": None}]
    assert call("rows.js", "csvOf", columns, rows) == ('a,"b,c"\r\n=1+1,"x ""y"""\r\n-5,')


@pytest.mark.slow
@pytest.mark.parametrize("page", [0, 3, 9, 10])
def test_newest_rows_by_their_oldest_moment_are_the_newest_rows(page: int) -> None:
    """A big table is asked for what is new enough; equal moments and rows without one included."""
    data = {"source": "shop", "table": "orders", "date": "at", "categories": ["kind"]}
    picked = NOTHING | {"categories": {"kind": ["a"]}}
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute(
            "CREATE TABLE shop.orders AS SELECT range AS id, CASE WHEN range % 9 > 0 THEN "
            "(TIMESTAMP '2024-01-01' + (range * 7919 % 60) * INTERVAL 500 MILLISECOND)"
            "::TIMESTAMP_MS END AS at, ['a', 'b'][1 + range // 120] AS kind FROM range(240)"
        )
        described = connection.execute(call("rows.js", "columnsSql", data)).fetchall()
        columns = [{"column_name": name, "column_type": kind} for name, kind in described]
        asked = call("rows.js", "boundSql", data, picked, columns, page)
        bound = (connection.execute(asked).fetchone() or (None,))[0]
        assert (bound is None) == (page == 10), "after the last full page there is none"
        at = [column["column_name"] for column in columns].index("at")
        both = [
            connection.execute(
                call("rows.js", "rowsSql", data, picked, columns, "", {"column": ""}, page, one)
            ).fetchall()
            for one in (None, bound)
        ]
    assert [row[at] for row in both[0]] == [row[at] for row in both[1]]
    assert len(both[0]) == 10


@pytest.mark.slow
def test_weekdays_are_compared_by_how_many_there_are() -> None:
    """Two Mondays and one Tuesday: their lengths are known, whatever category is picked."""
    data = {"source": "s", "table": "t", "date": "moment", "categories": ["kind"]}
    picked = {**NOTHING, "categories": {"kind": ["a"]}}
    count = {"name": "row_count", "aggregate": "count"}
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE SCHEMA s; CREATE TABLE s.t AS SELECT * FROM (VALUES "
            "(TIMESTAMP '2024-01-01 08:10', 'a'), (TIMESTAMP '2024-01-08 08:20', 'b'), "
            "(TIMESTAMP '2024-01-02 09:30', 'a')) AS v (moment, kind)"
        )
        rows = answers(connection, call("hours.js", "hoursSql", data, picked, [count]))
    clock = call("hours.js", "clockOf", rows, "row_count")
    assert (clock["lengths"][0][8], clock["lengths"][1][9]) == (2, 1)
    assert clock["days"][:3] == [1, 1, None]
    assert (clock["hours"][8], clock["cells"][1][9]) == (1, 1)


@pytest.mark.slow
def test_periods_are_called_by_their_names() -> None:
    """Quarters go from Q1 2022 to Q4 2025, not to the first of October."""
    found = [
        call("periods.js", "extentTitle", period, "2022-01-01", "2025-10-01")
        for period in ("quarter", "month", "year", None)
    ]
    assert found == [
        "Q1 2022 to Q4 2025",
        "Jan 2022 to Oct 2025",
        "2022 to 2025",
        "1 Jan 2022 to 1 Oct 2025",
    ]
