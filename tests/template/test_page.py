"""A rendered page and its source queries, for data of different shapes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from copier import run_copy
from tests.conftest import REPOSITORY

Render = Callable[..., Path]
MOST_LINES = 40


def column(name: str, kind: str, role: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "identifier": name, "type": kind, "role": role, "tests": [], **more}


DAY = column("day", "DATE", "date")
SUCCESS = {"name": "success_rate", "sql": "case when {column} in ('ok') then 1 else 0 end"}
MOMENT = column("at", "TIMESTAMP", "date", clock=True)
STATUS = column("status", "VARCHAR", "category", success=SUCCESS)
NPS = column("recommend", "BIGINT", "measure", format="nps", answers=True)
SHOP = column("shop", "VARCHAR", "category")
AMOUNT = column("amount", "DOUBLE", "measure", aggregate="sum")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(REPOSITORY / "copier.yml", folder)
    shutil.copytree(REPOSITORY / "template", folder / "template")
    return folder


@pytest.fixture
def render(template: Path, tmp_path: Path) -> Render:
    """Render a workflow of some columns; the folder of its dashboard."""

    def evidence(columns: list[dict[str, Any]], **answers: Any) -> Path:
        given = {"kind": "workflow", "source_url": "a.csv", "columns": columns, **answers}
        run_copy(str(template), tmp_path / "sales", data=given, defaults=True, quiet=True)
        return tmp_path / "sales" / "evidence"

    return evidence


def source(evidence: Path, name: str, table: str) -> list[tuple[Any, ...]]:
    """What a source query finds in a table of marts, in the session of a workflow in New York."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'; CREATE SCHEMA marts")
        connection.execute(f"CREATE TABLE marts.sales AS {table}")
        return connection.execute((evidence / "sources" / name).read_text()).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize(
    "columns",
    [
        [],
        [AMOUNT],
        [SHOP, AMOUNT],
        [
            DAY,
            *(column(f"place_{n}", "VARCHAR", "category", kinds=n == 0) for n in range(12)),
            *(column(f"rate_{n}", "DOUBLE", "measure", weight="rate_0") for n in range(12)),
        ],
        [
            MOMENT,
            STATUS,
            *(column(f"lat_{n}", "DOUBLE", "place", longitude=f"lon_{n}") for n in range(3)),
            *(column(f"kind_{n}", "VARCHAR", "category", kinds=True) for n in range(3)),
            *(column(f"answer_{n}", "VARCHAR", "category", answers=True) for n in range(9)),
            *(column(f"text_{n}", "VARCHAR", "text", long=True) for n in range(3)),
            column("country", "VARCHAR", "category", country=True),
            *(column(f"rate_{n}", "DOUBLE", "measure") for n in range(12)),
        ],
    ],
)
def test_a_page_is_short(render: Render, columns: list[dict[str, Any]]) -> None:
    """Whatever the data, a person reads and merges 40 lines or fewer."""
    page = (render(columns) / "pages" / "index.md").read_text()
    assert len(page.splitlines()) <= MOST_LINES
    assert "```" not in page


@pytest.mark.slow
def test_a_page_shows_what_the_data_has(render: Render) -> None:
    """Lines for a date, a ranking for a category, a histogram where there is no date."""
    rate = column("rate", "DOUBLE", "measure", format="share", weight="amount")
    page = (render([DAY, SHOP, AMOUNT, rate]) / "pages" / "index.md").read_text()
    assert "{ name: 'rate', aggregate: 'average', weight: 'amount', format: 'share' }," in page
    assert "<Trend of={dataset} />\n<Ranking of={dataset} by=shop />\n" in page
    assert "<Distribution" not in page


@pytest.mark.slow
def test_a_page_without_time_shows_how_numbers_are_spread(render: Render) -> None:
    """A table of one row for each thing has a ranking and histograms, and no lines."""
    page = (render([SHOP, AMOUNT]) / "pages" / "index.md").read_text()
    assert "<Ranking of={dataset} by=shop />\n<Distribution of={dataset} column=amount />" in page
    assert "<Trend" not in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        (
            [column("name", "VARCHAR", "text", entity=True), AMOUNT],
            ["entity: 'name',", "<Ranking of={dataset} by=name />\n<Distribution"],
        ),
        (
            [column("lat", "DOUBLE", "place", longitude="lon"), column("lon", "DOUBLE", "place")],
            ["<Map of={dataset} latitude=lat longitude=lon />"],
        ),
        ([column("to", "VARCHAR", "category", country=True)], ["<Map of={dataset} country=to />"]),
        (
            [
                NPS,
                column("easy", "VARCHAR", "category", answers=True, scale=["no", "yes"]),
                column("comment", "VARCHAR", "text", long=True),
            ],
            [
                "{ name: 'recommend', aggregate: 'average', format: 'nps' },",
                "<Ranking of={dataset} by=easy />",
                "<Answers of={dataset} column=recommend />",
                '<Answers of={dataset} column=easy order={["no", "yes"]} />',
                "<Texts of={dataset} column=comment />\n<Rows",
            ],
        ),
        (
            [MOMENT, STATUS, column("cached", "BOOLEAN", "flag")],
            [
                "categories: ['status', 'cached'],",
                "sql: \"case when status in ('ok') then 1 else 0 end\" },",
                "<Trend of={dataset} />\n<Hours of={dataset} />",
                "<Ranking of={dataset} by=status />",
            ],
        ),
    ],
)
def test_each_shape_has_its_page(
    render: Render, columns: list[dict[str, Any]], parts: list[str]
) -> None:
    """Rankings of entities, maps, answers and texts, rates of success and hours."""
    page = (render(columns) / "pages" / "index.md").read_text()
    assert [part for part in parts if part not in page] == []


@pytest.mark.slow
def test_a_series_has_a_line_for_each_value(render: Render) -> None:
    """One row for each date and currency: rows are not counted, currencies are told apart."""
    rate = column("rate", "DOUBLE", "measure")
    page = (
        render([DAY, SHOP, rate], primary_key=["day", "shop"]) / "pages" / "index.md"
    ).read_text()
    assert "        series: true,\n" in page
    assert "<Trend of={dataset} by=shop />" in page


@pytest.mark.slow
def test_kinds_are_not_added_up(render: Render) -> None:
    """Revenue and cost have a line each, whatever else is shown."""
    kind = column("account", "VARCHAR", "category", kinds=True)
    page = (render([DAY, SHOP, kind, AMOUNT]) / "pages" / "index.md").read_text()
    assert "        kinds: 'account',\n" in page
    assert "<Trend of={dataset} by=account />" in page


@pytest.mark.slow
def test_days_are_those_of_the_workflows_zone(render: Render) -> None:
    """A flight at 21:00 in New York is one of that day, though it is the next one in UTC."""
    flown = column("flown_at", "TIMESTAMP WITH TIME ZONE", "date")
    found = source(
        render([flown, SHOP]),
        "sales_daily.sql",
        "SELECT TIMESTAMPTZ '2024-01-02 02:00:00+00' + range * INTERVAL 1 HOUR AS flown_at, "
        "'x' AS shop FROM range(5)",
    )
    assert [(str(row[0]), row[-1]) for row in found] == [("2024-01-01", 3), ("2024-01-02", 2)]
    assert (found[0][1].hour, found[0][2].hour) == (21, 23)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("period", "kind", "values", "days"),
    [
        ("year", "BIGINT", "2023, 2024", ["2023-01-01", "2024-01-01"]),
        ("quarter", "VARCHAR", "'2024-Q1', '2024-Q4'", ["2024-01-01", "2024-10-01"]),
        ("month", "VARCHAR", "'2024-03', '2024-12'", ["2024-03-01", "2024-12-01"]),
        # ISO 8601: the week with 4 January is the first of its year.
        ("week", "VARCHAR", "'2020-W53', '2021-W01'", ["2020-12-28", "2021-01-04"]),
        ("week", "VARCHAR", "'2024W01', '2024W10'", ["2024-01-01", "2024-03-04"]),
    ],
)
def test_periods_in_text_are_days(
    render: Render, period: str, kind: str, values: str, days: list[str]
) -> None:
    """Months, quarters, ISO weeks and years are time: each is its first day."""
    when = column("fiscal", kind, "date", period=period)
    found = source(
        render([when, AMOUNT]),
        "sales_daily.sql",
        f"SELECT unnest([{values}]) AS fiscal, 1.0 AS amount",
    )
    assert [str(row[0]) for row in found] == days


@pytest.mark.slow
def test_ratios_are_weighted(render: Render) -> None:
    """A rate of 50 % of 10 visits and of 1 % of 990 is 1.49 % of all, not 25.5 %."""
    rate = column("rate", "DOUBLE", "measure", weight="visits")
    found = source(
        render([DAY, rate, column("visits", "BIGINT", "measure", aggregate="sum")]),
        "sales_daily.sql",
        "SELECT DATE '2024-01-01' AS day, * FROM (VALUES (0.5, 10), (0.01, 990), (NULL, 5)) "
        "AS t (rate, visits)",
    )
    ((*_, total, weight, visits, _, _),) = found
    assert float(total) / float(weight) == pytest.approx(0.0149)
    assert visits == 1005


@pytest.mark.slow
def test_categories_are_groups(render: Render) -> None:
    """Every category is a column of the groups, one without a value included."""
    found = source(
        render([SHOP, column("kind", "VARCHAR", "category"), AMOUNT]),
        "sales_groups.sql",
        "SELECT * FROM (VALUES ('a', NULL, 1.0), ('a', NULL, 2.0), ('b', 'k', 4.0)) "
        "AS t (shop, kind, amount)",
    )
    numbers = {(*row[:3], *map(float, row[3:])) for row in found}
    assert numbers == {("a", "a", "(none)", 3, 2, 2), ("b", "b", "k", 4, 1, 1)}


@pytest.mark.slow
@pytest.mark.parametrize(("date", "name"), [([], "groups"), ([DAY], "daily")])
def test_a_column_called_category_is_itself(
    render: Render, date: list[dict[str, Any]], name: str
) -> None:
    """It is not taken for the first category, which older pages know by that name."""
    evidence = render([*date, SHOP, column("category", "VARCHAR", "category"), AMOUNT])
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute(
            "CREATE TABLE marts.sales AS "
            "SELECT DATE '2024-03-01' AS day, 'a' AS shop, 'tea' AS category, 1.5 AS amount"
        )
        query = (evidence / "sources" / f"sales_{name}.sql").read_text()
        found = connection.execute(query)
        names = [each[0] for each in found.description or ()]
        row = dict(zip(names, found.fetchone() or (), strict=True))
    assert len(set(names)) == len(names)
    assert (row["shop"], row["category"]) == ("a", "tea")


@pytest.mark.slow
def test_distinct_values_are_counted_exactly(render: Render) -> None:
    """Below a million rows, however many there are."""
    found = source(
        render([column("number", "BIGINT", "code")]),
        "sales_columns.sql",
        "SELECT range AS number, range % 12345 AS other FROM range(200000)",
    )
    assert [(row[0], row[3]) for row in found] == [("number", 200000), ("other", 12345)]


@pytest.mark.slow
def test_scores_and_rates_of_success_are_means(render: Render) -> None:
    """Promoters less detractors, and successes over those that are over, by any group."""
    found = source(
        render([column("status", "VARCHAR", "category", success=SUCCESS), NPS]),
        "sales_groups.sql",
        "SELECT * FROM (VALUES ('ok', 10), ('ok', 9), ('ok', 7), ('error', 0), ('ok', NULL)) "
        "AS t (status, recommend)",
    )
    numbers = {row[0]: tuple(map(float, row[2:])) for row in found}
    assert numbers == {"ok": (200, 3, 4, 4, 4), "error": (-100, 1, 0, 1, 1)}


@pytest.mark.slow
def test_outliers_are_counted(render: Render) -> None:
    """Of measures: how many values are further from the middle half than 1.5 times its width."""
    values = "unnest([1, 2, 3, 4, 5, 6, 7, 8, 9, 100, -50, NULL])"
    found = source(
        render([AMOUNT, SHOP]), "sales_columns.sql", f"SELECT {values} AS amount, 'x' AS shop"
    )
    assert [(row[0], row[2], row[6]) for row in found] == [
        ("amount", 11 / 12, 2),
        ("shop", 1, None),
    ]


@pytest.mark.slow
def test_outliers_of_a_million_rows_are_counted(render: Render) -> None:
    """By approximate quarters, which tell what lies far outside as exact ones do."""
    values = "SELECT if(range < 7, 1e9, range % 1000) AS amount, 'x' AS shop FROM range(1_000_000)"
    found = source(render([AMOUNT, SHOP]), "sales_columns.sql", values)
    assert [(row[0], row[6]) for row in found] == [("amount", 7), ("shop", None)]
