"""The components of rendered pages, in a real browser on published data."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from copier import run_copy
from playwright.sync_api import Response
from tests.browser_fixtures import OpenPage, WatchedPage, site_server
from tests.conftest import REPOSITORY
from tests.dashboard_fixtures import new_project, write_warehouse
from tests.tools.site.page_shapes import WORKFLOWS

from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.site.site_build import build_site

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Built:
    """A built project, served."""

    project: Project
    url: str

    def ask(self, workflow_id: str, query: str) -> list[tuple[Any, ...]]:
        """What DuckDB itself answers about the warehouse, by the clock of New York."""
        path = str(self.project.warehouse_file(workflow_id))
        with duckdb.connect(path, read_only=True) as connection:
            connection.execute("SET TimeZone = 'America/New_York'")
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, shared_node_modules: Callable[[Path], None]
) -> Iterator[Built]:
    """Workflows with the pages that the template renders; built once for all tests."""
    template = tmp_path_factory.mktemp("template")
    shutil.copy(REPOSITORY / "copier.yml", template)
    shutil.copytree(REPOSITORY / "template", template / "template")
    project = new_project(tmp_path_factory.mktemp("built") / "shop")
    shared_node_modules(project.root)
    for name, (warehouse, answers) in WORKFLOWS.items():
        data = {"kind": "workflow", "source_url": "a.csv", **answers}
        folder = project.workflow_dir(name)
        run_copy(str(template), folder, data=data, defaults=True, quiet=True)
        if warehouse:
            write_warehouse(project, name, warehouse)
            publish_workflow(project, name)
    build = build_site(project, lambda _: None)
    with site_server(build.folder) as url:
        yield Built(project, url)


def figures(watched: WatchedPage) -> dict[str, list[str]]:
    """The latest figures: of each its value and its changes, by its title."""
    found = watched.page.locator("dl > div").all()
    lines = [one.inner_text().split("\n") for one in found]
    return {title: [text for text in values if text] for title, *values in lines}


def test_an_unfinished_day_is_not_compared(built: Built, open_page: OpenPage) -> None:
    """In Tokyo as anywhere, the page shows New York's last whole day, at a change of 0 %."""
    watched = open_page(timezone_id="Asia/Tokyo")
    watched.visit(f"{built.url}/visits/")
    shown = watched.page.inner_text("article").replace("\n", " ")

    (day, rows, amount, rate) = built.ask(
        "visits",
        "SELECT strftime(visited_at::DATE, '%-d %b %Y'), count(*), sum(amount), "
        "avg(success_rate) FROM marts.visits GROUP BY ALL ORDER BY min(visited_at) DESC OFFSET 1",
    )[0]
    assert f"{day} · the last whole day · 1 Mar 2024 is not over in the data" in shown
    assert "1 Jan 2024 to 1 Mar 2024" in shown
    assert figures(watched) == {
        "Rows": [str(rows), "0.0 % on the period before"],
        "Total amount": [f"{amount:.0f}", "0.0 % on the period before"],
        "Average success rate": [f"{rate * 100:.1f} %", "0 points on the period before"],
    }
    whole, unfinished = watched.page.evaluate(
        "() => Object.values(window[Symbol.for('__evidence-chart-window-debug__')])[0]"
        ".getOption().series.map(({ data, lineStyle }) => [data, lineStyle?.type])"
    )
    truth = built.ask(
        "visits",
        "SELECT visited_at::DATE::VARCHAR, count(*) FROM marts.visits GROUP BY 1 ORDER BY 1",
    )
    assert [tuple(point) for point in whole[0]] == truth[:-1]
    assert [tuple(point) for point in unfinished[0]] == truth[-2:]
    assert unfinished[1] == "dashed"


def test_a_ranking_is_by_what_it_shows(built: Built, open_page: OpenPage) -> None:
    """It says how many there are; the others are one row, and all can be shown."""
    watched = open_page()
    watched.visit(f"{built.url}/visits/")
    truth = built.ask(
        "visits",
        "SELECT country, sum(amount) AS n FROM marts.visits GROUP BY 1 ORDER BY n DESC, country",
    )
    shown = watched.ranked("By country")

    assert "Total amount by country: 15 of 40" in watched.page.inner_text("article")
    assert shown[:-1] == [(name, f"{n:.0f}") for name, n in truth[:15]]
    rest = sum(n for _, n in truth[15:])
    assert shown[-1] == ("Other (25)", f"{rest:,.0f}")
    watched.page.get_by_role("button", name="Show all 40").click()
    assert len(watched.ranked("By country")) == 40


def test_a_click_filters_the_page_and_its_address_holds_it(
    built: Built, open_page: OpenPage
) -> None:
    """Whoever opens the address sees the same, and can take the filter away."""
    watched = open_page()
    watched.visit(f"{built.url}/visits/")
    watched.page.get_by_role("button", name="country 7", exact=True).click()
    watched.page.get_by_text("Country: country 7").wait_for()
    watched.settle()
    address = watched.page.url
    assert address.endswith("/visits/?country=country+7")

    other = open_page()
    other.visit(f"{address}&from=2024-02-01")
    ((count,),) = built.ask(
        "visits",
        "SELECT count(*) FROM marts.visits WHERE country = 'country 7' "
        "AND visited_at::DATE >= '2024-02-01'",
    )
    other.page.get_by_role("status").filter(has_text=f"{count} rows").wait_for()
    other.page.get_by_role("button", name="Clear filters").click()
    other.page.get_by_role("status").filter(has_text="8,736 rows").wait_for()
    assert other.page.url.endswith("/visits/")


def test_all_rows_are_searched_and_downloaded(
    built: Built, open_page: OpenPage, tmp_path: Path
) -> None:
    """The oldest of 8,736 rows is found, and a file holds what was found."""
    watched = open_page(accept_downloads=True)
    watched.visit(f"{built.url}/visits/")
    watched.page.get_by_placeholder("Search all rows").fill("2024-01-01 00:1")
    watched.page.get_by_role("status").filter(has_text="1 row").wait_for()
    with watched.page.expect_download() as download:
        watched.page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["id", "visited_at", "country", "amount", "success_rate"],
        ["1", "2024-01-01 00:10:00", "country 7", "2", "0.25"],
    ]


def test_revenue_and_cost_are_not_added_up(built: Built, open_page: OpenPage) -> None:
    """Each has its figures and its ranking; nowhere is there a sum of both."""
    watched = open_page()
    watched.visit(f"{built.url}/ledger/")
    truth = dict(
        built.ask("ledger", "SELECT account, sum(amount)::INT FROM marts.ledger GROUP BY 1")
    )
    shown = watched.page.inner_text("article")
    values = watched.page.locator("dd.value").all_inner_texts()

    assert values == ["30", f"{truth['cost']:,}", "30", f"{truth['revenue']:,}"]
    assert f"{sum(truth.values()):,}" not in shown
    by_shop = built.ask(
        "ledger",
        "SELECT shop, sum(amount)::INT AS n FROM marts.ledger WHERE account = 'revenue' "
        "GROUP BY 1 ORDER BY n DESC",
    )
    watched.page.get_by_role("button", name="revenue", exact=True).last.click()
    watched.page.get_by_text("Total amount (revenue) by shop").wait_for()
    assert watched.ranked("By shop") == [(shop, f"{n:,}") for shop, n in by_shop]


def test_a_row_for_each_thing_is_ranked(built: Built, open_page: OpenPage) -> None:
    """By what it is, not by how many rows it has; heights of others do not add up."""
    watched = open_page()
    watched.visit(f"{built.url}/stations/")
    truth = built.ask(
        "stations", "SELECT station, height::INT FROM marts.stations ORDER BY height DESC, station"
    )
    shown = watched.page.inner_text("article")
    assert "Height by station: 15 of 50" in shown
    assert watched.ranked("By station") == [(name, f"{n:,}") for name, n in truth[:15]]
    ((outliers,),) = built.ask(
        "stations",
        "SELECT count(*) FROM marts.stations, (SELECT quantile_cont(height, [0.25, 0.75]) AS q "
        "FROM marts.stations) WHERE height NOT BETWEEN q[1] - 1.5 * (q[2] - q[1]) "
        "AND q[2] + 1.5 * (q[2] - q[1])",
    )
    assert f"{outliers} of 50" in shown
    row = watched.page.locator("[aria-label='Columns of stations'] tr", has_text="Height")
    assert row.locator("td.number").last.inner_text() == str(outliers)


def test_a_map_shows_where_rows_lie(built: Built, open_page: OpenPage) -> None:
    """A circle for each place, on a map of this site; what is true is a filter as well."""
    watched = open_page()
    watched.visit(f"{built.url}/stations/")
    titles = watched.page.locator("svg circle title").all_text_contents()
    truth = built.ask("stations", "SELECT station, height::INT FROM marts.stations")
    assert sorted(titles) == sorted(f"{name}: {height:,}" for name, height in truth)
    assert watched.page.locator("svg path.land").count() > 100

    watched.page.get_by_role("button", name="yes", exact=True).click()
    ((manned,),) = built.ask("stations", "SELECT count(*) FROM marts.stations WHERE manned")
    watched.page.get_by_role("status").filter(has_text=f"{manned} rows").wait_for()
    watched.settle()
    assert watched.page.locator("svg circle").count() == manned
    assert watched.page.url.endswith("/stations/?manned=true")


def test_countries_are_shaded_and_picked(built: Built, open_page: OpenPage) -> None:
    """A click on one filters the page; one that is on no map is named."""
    watched = open_page()
    watched.visit(f"{built.url}/survey/")
    assert "Not on the map: XX" in watched.page.inner_text("article")
    titles = watched.page.locator("svg path.filled title").all_text_contents()
    assert sorted(title.split(":")[0] for title in titles) == ["France", "Germany", "Singapore"]
    watched.page.locator("svg path.filled", has_text="Germany").click()
    ((rows,),) = built.ask("survey", "SELECT count(*) FROM marts.survey WHERE country = 'DE'")
    watched.page.get_by_role("status").filter(has_text=f"{rows} rows").wait_for()
    assert watched.page.url.endswith("/survey/?country=DE")


def test_a_survey_has_its_score_and_shares(built: Built, open_page: OpenPage) -> None:
    """Promoters less detractors; of those who answered, how many said what; texts are found."""
    watched = open_page()
    watched.visit(f"{built.url}/survey/")
    ((score, rate),) = built.ask(
        "survey",
        "SELECT round(100 * (count(*) FILTER (recommend >= 9) - count(*) FILTER (recommend <= 6)) "
        "/ count(*))::INT, avg((status < 400)::INT) * 100 FROM marts.survey",
    )
    assert watched.figure("NPS (recommend)") == watched.figure("NPS") == f"{score:+}"
    assert watched.figure("Success rate") == f"{rate:.1f} %"
    shares = built.ask(
        "survey",
        "SELECT again, count(*), 100 * count(*) / (SELECT count(again) FROM marts.survey) "
        "FROM marts.survey WHERE again IS NOT NULL GROUP BY 1 ORDER BY 1 DESC",
    )
    rows = watched.page.locator("h2:has-text('Again') + .answers tbody tr").all()
    found = [row.inner_text().split() for row in rows]
    assert found == [[name, f"{share:.1f}", "%", str(n)] for name, n, share in shares]
    answered = sum(n for _, n, _ in shares)
    assert f"{answered} of 90 answered" in watched.page.inner_text("article")

    texts = watched.page.locator(".texts")
    assert texts.locator("tbody tr").first.inner_text().split("\t") == [
        "The staff was friendly",
        "45",
    ]
    texts.get_by_placeholder("Search these texts").fill("waited for 1")
    texts.get_by_role("status").filter(has_text="6 texts, 6 different").wait_for()


def test_hours_are_those_of_the_workflows_zone(built: Built, open_page: OpenPage) -> None:
    """The table behind the chart has each hour of each weekday, by the clock of New York."""
    watched = open_page(timezone_id="Asia/Tokyo")
    watched.visit(f"{built.url}/visits/")
    truth = built.ask(
        "visits",
        "PIVOT (SELECT hour(visited_at) AS h, isodow(visited_at) AS d FROM marts.visits) "
        "ON d USING count(*) GROUP BY h ORDER BY h",
    )
    hours = watched.page.locator(".hours")
    hours.get_by_text("As a table").click()
    rows = [row.inner_text().split("\t") for row in hours.locator("tbody tr").all()]
    assert [row[2:] for row in rows[:24]] == [[str(n) for n in row[1:]] for row in truth]
    assert [row[1] for row in rows[:24]] == [str(sum(row[1:])) for row in truth]


def test_before_the_first_run_a_page_says_what_to_do(built: Built, open_page: OpenPage) -> None:
    """No component asks for tables that are not there."""
    watched = open_page()
    watched.visit(f"{built.url}/never/")
    watched.page.get_by_text("dataflow workflow run never").wait_for()
    assert "Over time" not in watched.page.inner_text("article")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing(built: Built, open_page: OpenPage, scheme: str, width: int) -> None:
    """Names, contrast, headings and the keyboard's way are right, and nothing is too wide."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    watched = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ("/", *(f"/{name}/" for name in WORKFLOWS)):
        watched.visit(f"{built.url}{path}")
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        # The whole page: the shell around the text as well.
        found = axe.run(watched.page).response["violations"]
        assert [(one["id"], [node["html"][:150] for node in one["nodes"]]) for one in found] == []


def test_a_rendered_page_fits_the_paper(built: Built, open_page: OpenPage) -> None:
    """From a dark screen: light, no wider than A4, without what only a reader can use."""
    watched = open_page(color_scheme="dark", viewport={"width": 1280, "height": 900})
    for name in WORKFLOWS:
        watched.visit(f"{built.url}/{name}/")
        assert watched.beyond_paper() == []
        assert (
            not watched.page.locator("header, aside, article select").filter(visible=True).count()
        )
        watched.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        watched.page.emulate_media(media="screen")


def test_a_big_table_is_not_sent_whole(built: Built, open_page: OpenPage) -> None:
    """Its newest rows and groups are, by themselves; what needs all rows waits for a click."""
    watched = open_page()
    sent: list[int] = []
    path = next(
        built.project.root.glob(".dataflow/site/public/data/sensors/sensors/*/sensors.parquet")
    )

    def note(got: Response) -> None:
        if got.url.endswith(path.name) and got.request.method == "GET":
            sent.append(int(got.header_value("content-length") or 0))

    watched.page.on("response", note)
    watched.visit(f"{built.url}/sensors/")
    rows = watched.page.get_by_role("region", name="Rows of sensors").locator("tbody tr")
    newest = built.ask("sensors", "SELECT signature FROM marts.sensors ORDER BY id DESC LIMIT 10")
    assert [one.locator("td").nth(3).inner_text() for one in rows.all()] == [s for (s,) in newest]
    assert sum(sent) < path.stat().st_size / 20
    assert "2,100,000 rows" in watched.page.inner_text("article")
    assert "A page reads no 2,100,000 rows unasked." in watched.page.inner_text("article")

    watched.page.get_by_role("button", name="Search and sort all rows").click()
    (wanted,) = built.ask("sensors", "SELECT signature FROM marts.sensors WHERE id = 1_000_000")[0]
    watched.page.get_by_placeholder("Search all rows").fill(wanted)
    watched.page.get_by_text("1 row", exact=True).wait_for()
    watched.settle()
    assert rows.locator("td").nth(3).inner_text() == wanted
    assert watched.faults == []


def test_a_table_too_big_to_publish_is_told_of(built: Built, open_page: OpenPage) -> None:
    """Groups and newest rows are shown as ever; what needs all rows says that there are none."""
    settings = built.project.root / "pyproject.toml"
    before = settings.read_text(encoding="utf-8")
    for name, most in (("sensors", 2_000_000), ("stations", 40)):
        limit = f"[tool.dataflow]\npublishers = [{{type = 'parquet', max_rows = {most}}}]"
        settings.write_text(before.replace("[tool.dataflow]", limit), encoding="utf-8")
        assert name not in publish_workflow(Project(built.project.root), name)
    settings.write_text(before, encoding="utf-8")
    watched = open_page()

    watched.visit(f"{built.url}/sensors/")
    text = watched.page.inner_text("article")
    assert "2,100,000 rows" in text
    assert "The 2,100,000 rows are not published: a browser cannot open so many." in text
    assert "1,000 rows, the newest of 2,100,000" in text
    newest = built.ask("sensors", "SELECT signature FROM marts.sensors ORDER BY id DESC LIMIT 50")
    rows = watched.page.get_by_role("region", name="Rows of sensors").locator("tbody tr")
    assert rows.first.locator("td").nth(3).inner_text() == newest[0][0]
    watched.page.get_by_placeholder("Search the newest rows").fill(newest[-1][0])
    watched.page.get_by_text("1 row, the newest of 2,100,000").wait_for()
    assert watched.faults == []

    watched.visit(f"{built.url}/stations/")
    text = watched.page.inner_text("article")
    assert "The 50 rows of stations are not published: a browser cannot open so many." in text
    assert "sources/stations.sql" in text
