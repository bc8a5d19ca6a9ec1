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
from tests.browser_fixtures import OpenPage, WatchedPage, site_server
from tests.conftest import REPOSITORY
from tests.dashboard_fixtures import new_project, write_warehouse

from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.site.site_build import build_site

pytestmark = pytest.mark.slow


def column(name: str, kind: str, role: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "identifier": name, "type": kind, "role": role, "tests": [], **more}


# A visit every 10 minutes, by New York's clock until 15:50 of the last day.
VISITS = """
CREATE SCHEMA marts; SET TimeZone = 'UTC';
CREATE TABLE marts.visits AS
SELECT range AS id, TIMESTAMPTZ '2024-01-01 05:00:00+00' + range * INTERVAL 10 MINUTE AS visited_at,
    'country ' || range * 7 % 40 AS country, 2.0 AS amount, (range % 4) / 4 AS success_rate
FROM range(60 * 144 + 96)
"""
LEDGER = """
CREATE SCHEMA marts;
CREATE TABLE marts.ledger AS
SELECT ['revenue', 'cost'][range % 2 + 1] AS account, 'shop ' || range % 3 AS shop,
    10.0 + range AS amount
FROM range(60)
"""
AMOUNT = column("amount", "DOUBLE", "measure", aggregate="sum")
WORKFLOWS: dict[str, tuple[str, dict[str, Any]]] = {
    "visits": (
        VISITS,
        {
            "timezone": "America/New_York",
            "columns": [
                column("id", "BIGINT", "key"),
                column("visited_at", "TIMESTAMP WITH TIME ZONE", "date"),
                column("country", "VARCHAR", "category"),
                AMOUNT,
                column("success_rate", "DOUBLE", "measure", format="share"),
            ],
        },
    ),
    "never": ("", {}),
    "ledger": (
        LEDGER,
        {
            "columns": [
                column("account", "VARCHAR", "category", kinds=True),
                column("shop", "VARCHAR", "category"),
                AMOUNT,
            ]
        },
    ),
}


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
