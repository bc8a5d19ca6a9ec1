from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataflow_tools.static_site.measure import Measure
from dataflow_tools.static_site.page_spec import page_of
from dataflow_tools.static_site.table_shape import shape_of


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _published(connection: duckdb.DuckDBPyConnection, folder: Path, query: str) -> Path:
    file = folder / "t.parquet"
    connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    return file


def _periods(
    connection: duckdb.DuckDBPyConnection, file: Path, published_at: str = "2030-01-01"
) -> list[str]:
    """The periods that a page would draw of a table, from the first to the last."""
    shape = shape_of(connection, file, [])
    assert shape is not None
    connection.execute(f"CREATE VIEW published AS FROM '{file}'")
    connection.execute(page_of("t", shape)["load"].replace("{published_at}", published_at))
    query = 'SELECT DISTINCT "(period)"::DATE::VARCHAR AS p FROM whole_periods ORDER BY p'
    return [period for (period,) in connection.execute(query).fetchall()]


@pytest.mark.parametrize(
    ("first", "days", "published_at", "expected"),
    [
        # By the day; the day on which it was published was not over.
        ("2024-03-01 06:00", 5, "2024-03-05 12:00", ["2024-03-01", "2024-03-04", 4]),
        ("2024-03-01 06:00", 5, "2024-03-06 00:10", ["2024-03-01", "2024-03-05", 5]),
        ("2024-03-01", 5, "2024-03-05 12:00", ["2024-03-01", "2024-03-05", 5]),
        # By the week, from the first Monday to the last Sunday.
        ("2024-01-03", 300, "2030-01-01", ["2024-01-08", "2024-10-21", 42]),
        # By the month, from the first whole one to the last.
        ("2020-01-02", 1500, "2030-01-01", ["2020-02-01", "2024-01-01", 48]),
    ],
)
def test_only_whole_periods_are_drawn(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    first: str,
    days: int,
    published_at: str,
    expected: list[object],
) -> None:
    """A period that began before the data, or that they do not reach the end of, is left out."""
    file = _published(
        connection,
        tmp_path,
        f"SELECT (TIMESTAMP '{first}' + INTERVAL (i) DAY)::TIMESTAMP_MS AS day, i / 3.0 AS price "
        f"FROM range({days}) AS t(i)",
    )

    periods = _periods(connection, file, published_at)

    assert [periods[0], periods[-1], len(periods)] == expected


def test_what_comes_by_the_month_is_whole_with_one_day(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Dates that are all the first of a month stand for that month, the last one too."""
    file = _published(
        connection,
        tmp_path,
        "SELECT DATE '2024-01-01' + INTERVAL (i) MONTH AS month, i / 3.0 AS price "
        "FROM range(5) AS t(i)",
    )

    assert _periods(connection, file)[-1] == "2024-05-01"


def test_the_shape_says_what_each_column_is_for(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Date, sums, averages, categories and larger groups are told from a key and from codes."""
    file = _published(
        connection,
        tmp_path,
        "SELECT i::DOUBLE AS id, TIMESTAMP_MS '2024-01-01' + INTERVAL (i) HOUR AS sold_at, "
        "'shop ' || i % 60 AS shop, 'c' || i % 3 AS channel, i % 2 = 0 AS is_new, "
        "i % 7 * 1.5 AS amount, i % 5 * 0.1 AS price, 'note ' || i AS note, now() AS processed_at "
        "FROM range(600) AS t(i)",
    )

    shape = shape_of(connection, file, ["id"])

    assert shape is not None
    assert (shape.date, shape.grain, shape.has_times) == ("sold_at", "day", True)
    assert shape.measures == [Measure("amount", "sum"), Measure("price", "average")]
    assert (shape.categories, shape.groups, shape.label) == (["channel", "is_new"], ["shop"], None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2020 + i", ["2020-01-01", "2022-01-01"]),
        ("'2020-Q' || (i + 2)", ["2020-04-01", "2020-10-01"]),
        ("'2020-0' || (i + 7)", ["2020-07-01", "2020-09-01"]),
        # The first week of 2021 begins with the fourth day of that year.
        ("'2021-W0' || (i + 1)", ["2021-01-04", "2021-01-18"]),
    ],
)
def test_texts_that_name_periods_are_time(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, written: str, expected: list[str]
) -> None:
    """Years, quarters, months and ISO weeks without a date are drawn from their first day."""
    query = f"SELECT {written} AS year, i / 3.0 AS price FROM range(3) AS t(i)"
    file = _published(connection, tmp_path, query)

    periods = _periods(connection, file)

    assert [periods[0], periods[-1], len(periods)] == [*expected, 3]


def test_published_columns_are_what_they_were_before(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A whole number may be an HTTP status, which tells success; a list's text names no row."""
    file = _published(
        connection,
        tmp_path,
        "SELECT [200, 404, 503][i % 3 + 1]::DOUBLE AS status, to_json([i])::VARCHAR AS parts "
        "FROM range(30) AS t(i)",
    )
    shape = shape_of(connection, file, [])
    assert shape is not None
    assert shape.label is None

    connection.execute(f"CREATE VIEW published AS FROM '{file}'")
    connection.execute(page_of("t", shape)["load"])

    query = 'SELECT DISTINCT "(group) status", "(success_rate)" FROM shown ORDER BY 1'
    assert connection.execute(query).fetchall() == [("200", 1), ("404", 0), ("503", 0)]


def test_an_empty_table_has_no_shape(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """There is nothing to tell by."""
    file = _published(connection, tmp_path, "SELECT 1.0 AS amount WHERE false")

    assert shape_of(connection, file, []) is None


def test_odd_names_of_columns_are_no_part_of_the_page_s_sql(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Quotes and dollars in names break neither the statement nor the specification."""
    file = _published(
        connection,
        tmp_path,
        """SELECT 'a' || i % 3 AS "it's ""x"" so", i * 0.5 AS "$price" FROM range(9) AS t(i)""",
    )
    shape = shape_of(connection, file, [])
    assert shape is not None
    page = page_of("t", shape)

    connection.execute(f"CREATE VIEW published AS FROM '{file}'")
    connection.execute(page["load"])

    assert shape.columns == ['it\'s "x" so']
    groups = next(part["groups"] for part in page["sections"] if "groups" in part)
    assert connection.execute(f"SELECT count(DISTINCT {groups}) FROM shown").fetchone() == (3,)
