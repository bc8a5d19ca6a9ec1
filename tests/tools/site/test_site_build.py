"""A real build of a project with several workflows, opened in a real browser."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from tests.browser_fixtures import OpenPage, site_server
from tests.dashboard_fixtures import new_project, write_warehouse, write_workflow

from dataflow.publish.folders import is_built
from dataflow.publish.manifest import note_run
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.dashboards.built import BrokenPagesError
from dataflow_tools.site.site_build import build_site

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parent / "example"
# Two years of days; some visits have no country, others no time.
VISITS = """
CREATE SCHEMA marts;
CREATE TABLE marts.visits AS
SELECT range AS id, DATE '2024-01-01' + (range * 7 % 731)::INTEGER AS visited_on,
    ['France', 'Perú', 'Côte d''Ivoire', 'Japan'][range % 5 + 1] AS country,
    CASE WHEN range % 10 < 9 THEN (range * 37 % 600) / 2 END AS seconds
FROM range(20000)
"""
ORDERS = """
CREATE SCHEMA marts;
CREATE TABLE marts.orders AS
SELECT range + 1000 AS id, 'customer ' || range % 97 AS customer, range / 4 AS amount,
    CASE WHEN range % 10 > 0 THEN 'note' END AS note FROM range(1234)
"""
LOST_PAGE = "# Lost\n\n<script>\nimport x from './nothing.js';\n</script>\n\n{x}\n"
BAD_PAGE = "# Totals\n\ntext\n\n<BarChrt data={nothing} />\n"
NEVER_PAGE = (
    "# Never\n\n```sql total\nselect count(*) as n from never.t\n```\n\n"
    "<BigValue data={total} value=n title='Rows of t' />\n"
)
FINE_PAGE = (
    "# Fine\n\n<Badge />\n\n```sql wrong\nselect\n  nosuch\nfrom broken.t\n```\n\n"
    "```sql total\nselect count(*) as n, max(b) as b from broken.t\n```\n\n"
    "<BigValue data={total} value=n title='Rows of t' />\n\n"
    "```sql sizes\nselect 0.0000052 as rate, 491928925396.87 as amount,\n"
    "12.3456 as mean, 0.5 as up\n```\n\n"
    "<BigValue data={sizes} value=rate title='Rate' fmt=readable_number />\n"
    "<BigValue data={sizes} value=amount title='Amount' fmt=readable_number />\n"
    "<BigValue data={sizes} value=mean title='Mean' fmt=readable_axis />\n"
    "<BigValue data={sizes} value=up title='Up' fmt=readable_change />\n"
)
CRASH_PAGE = "# Crash\n\n<script>\nJSON.parse('{nonsense');\n</script>\n"


@dataclass(frozen=True)
class Built:
    """A built project, served."""

    project: Project
    error: BrokenPagesError
    said: list[str]
    url: str

    def ask(self, workflow_id: str, query: str) -> tuple[object, ...]:
        """What DuckDB itself answers about the warehouse."""
        path = str(self.project.warehouse_file(workflow_id))
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute(query).fetchone() or ()


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, shared_node_modules: Callable[[Path], None]
) -> Iterator[Built]:
    """Two good workflows, one with faults, one that never ran; built once for all tests."""
    project = new_project(tmp_path_factory.mktemp("built") / "shop")
    shared_node_modules(project.root)
    for name, warehouse in (("visits", VISITS), ("orders", ORDERS)):
        folder = write_workflow(project, name, warehouse=warehouse)
        shutil.rmtree(folder / "evidence")
        shutil.copytree(EXAMPLE / name, folder / "evidence")
    components = folder / "evidence" / "components"
    components.mkdir()
    (components / "Badge.svelte").write_text("<p>badge of orders</p>")
    page = folder / "evidence" / "pages" / "index.md"
    page.write_text(page.read_text() + "\n<Badge />\n")
    write_workflow(
        project,
        "broken",
        pages={
            "crash.md": CRASH_PAGE,
            "fine.md": FINE_PAGE,
            "index.md": BAD_PAGE,
            "lost.md": LOST_PAGE,
        },
        sources={"t": "SELECT 1 AS a, true AS b WHERE false"},
        components={"Badge.svelte": "<p>badge of broken</p>"},
        warehouse="SELECT 1",
    )
    write_workflow(project, "never", pages={"index.md": NEVER_PAGE})
    write_workflow(project, "wrong", sources={"t": "SELECT\n  nosuch"}, warehouse="SELECT 1")
    said: list[str] = []
    with pytest.raises(BrokenPagesError) as caught:
        build_site(project, said.append)
    with site_server(caught.value.build.folder) as url:
        yield Built(project, caught.value, said, url)


def test_a_page_that_the_site_lacks_is_known(built: Built) -> None:
    """Whoever asks where to look is sent to build first: for a new workflow, for an edited page."""
    assert is_built(built.project, "visits")
    assert not is_built(built.project, "made_later")
    page = built.project.workflow_dir("visits") / "evidence" / "pages" / "index.md"
    before = page.stat()
    # Later than the build by the clock of the files, whose ticks are long.
    os.utime(page, (before.st_atime, time.time() + 1))
    assert not is_built(built.project, "visits")
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_faults_are_named_and_the_build_fails(built: Built) -> None:
    """Every fault has workflow, file, line and a reason, and the command ends with an error."""
    lines = built.error.reason.splitlines()

    place = "broken: src/dataflow/workflows/broken/evidence/pages"
    source, query, tag, lost = lines
    assert source.startswith("wrong: src/dataflow/workflows/wrong/evidence/sources/t.sql, line 2: ")
    assert query.startswith(f"{place}/fine.md, line 7: query wrong: Binder Error: ")
    assert '"nosuch"' in query
    assert tag == f"{place}/index.md, line 5: 'BarChrt' is not defined"
    # Only the build itself meets this one; it is built again without that page.
    assert lost.startswith(f"{place}/lost.md, line 4: ")
    assert "./nothing.js" in lost
    assert built.error.exit_code != 0
    assert built.error.build.pages == {
        "broken": ["/broken/crash/", "/broken/fine/", "/broken/", "/broken/lost/"],
        "never": ["/never/"],
        "orders": ["/orders/"],
        "visits": ["/visits/"],
        "wrong": ["/wrong/"],
    }


def test_a_build_with_nothing_new_is_not_done_again(built: Built) -> None:
    """New data needs no build, and what is still broken is still said."""
    said: list[str] = []
    with pytest.raises(BrokenPagesError) as caught:
        build_site(built.project, said.append)

    assert caught.value.build.unchanged
    assert caught.value.reason == built.error.reason
    assert "No page changed since the last build." in said


def test_headline_numbers_equal_duckdbs(built: Built, open_page: OpenPage) -> None:
    """The numbers on the page are those of the warehouse, and so is their change."""
    window = "FROM marts.visits WHERE visited_on > (SELECT max(visited_on) FROM marts.visits) - {}"
    (rows, seconds) = built.ask("visits", f"SELECT count(*), avg(seconds) {window.format(30)}")
    (both,) = built.ask("visits", f"SELECT count(*) {window.format(60)}")
    assert isinstance(rows, int)
    assert isinstance(both, int)
    watched = open_page()

    watched.visit(f"{built.url}/visits/")

    assert watched.big_value("Visits") == f"{rows:,}"
    assert watched.big_value("Average seconds") == f"{seconds:,.1f}"
    change = rows / (both - rows) - 1
    assert f"{change:+.1%} vs 30 days before" in watched.page.inner_text("article").replace(
        "\n", " "
    )


def test_charts_show_every_row_of_the_warehouse(built: Built, open_page: OpenPage) -> None:
    """What the charts add up to is what DuckDB counts for the same days."""
    (first, last) = built.ask("visits", "SELECT min(visited_on), max(visited_on) FROM marts.visits")
    # The page leaves out the first days if they do not fill a point of the line.
    (count,) = built.ask(
        "visits",
        "SELECT count(*) FROM marts.visits, (SELECT max(visited_on) AS last, "
        "date_diff('day', min(visited_on), last) + 1 AS days FROM marts.visits) "
        "WHERE visited_on > last - (days // 7 * 7)::INTEGER",
    )
    (by_country,) = built.ask(
        "visits", "SELECT map(list(country), list(n)) FROM (SELECT coalesce(country, '(none)') "
        "AS country, count(*) AS n FROM marts.visits GROUP BY 1)"
    )  # fmt: skip
    assert (str(first), str(last)) == ("2024-01-01", "2025-12-31")
    watched = open_page()

    watched.visit(f"{built.url}/visits/")
    line, _, bars, _ = watched.chart_series()

    assert sum(float(str(point[1])) for point in line) == count
    assert {str(bar[1]): float(str(bar[0])) for bar in bars} == by_country


def test_filters_change_the_numbers(built: Built, open_page: OpenPage) -> None:
    """Leaving a country out, also one with a quote in its name, takes its rows out."""
    (expected,) = built.ask(
        "visits",
        "SELECT count(*) FROM marts.visits WHERE country <> 'Côte d''Ivoire' "
        "AND visited_on > (SELECT max(visited_on) FROM marts.visits) - 30",
    )
    watched = open_page()
    watched.visit(f"{built.url}/visits/")
    before = watched.big_value("Visits")

    watched.page.get_by_role("combobox").filter(has_text="Country").click()
    watched.page.get_by_role("option", name="Côte d'Ivoire").click()
    watched.page.keyboard.press("Escape")
    (none,) = built.ask(
        "visits",
        "SELECT count(*) FROM marts.visits WHERE country IS NULL "
        "AND visited_on > (SELECT max(visited_on) FROM marts.visits) - 30",
    )
    assert isinstance(expected, int)
    assert isinstance(none, int)
    watched.page.get_by_text(f"{expected + none:,}", exact=True).wait_for()

    assert watched.big_value("Visits") != before


def test_an_open_page_tells_of_newer_data_and_shows_it(built: Built, open_page: OpenPage) -> None:
    """A second publish changes the number on the page, and nothing is built for it."""
    watched = open_page()
    watched.visit(f"{built.url}/orders/")
    assert watched.big_value("Rows") == "1,234"
    assert "Newer data" not in watched.page.inner_text("article")

    write_warehouse(built.project, "orders", "DELETE FROM marts.orders WHERE id >= 2000")
    publish_workflow(built.project, "orders")
    watched.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    watched.page.get_by_role("button", name="Show it").click()
    watched.page.get_by_text("1,000", exact=True).wait_for()

    assert watched.big_value("Rows") == "1,000"
    assert "Newer data" not in watched.page.inner_text("article")


def test_the_index_lists_every_workflow_and_its_last_run(built: Built, open_page: OpenPage) -> None:
    """The first page tells what there is, how fresh it is and what went wrong."""
    ended = "2026-01-01T00:00:00+00:00"
    note_run(built.project, "visits", {"status": "failure", "ended_at": ended})
    watched = open_page()

    watched.visit(f"{built.url}/")
    cards = {card.split("\n")[0]: card for card in watched.page.locator("li").all_inner_texts()}

    assert {"Broken", "Never", "Orders", "Visits"} <= set(cards)
    assert "20,000 rows" in cards["Visits"]
    assert "Last run failed" in cards["Visits"]
    assert "No data yet" in cards["Never"]
    assert "Its pages have an error" in cards["Broken"]
    # Before the first run a page says what to do, and none of its queries fails.
    watched.page.get_by_role("link", name="Never").first.click()
    watched.page.get_by_text("dataflow workflow run never").wait_for()
    watched.page.get_by_role("heading", name="Never").wait_for()
    assert "Rows of t" not in watched.page.inner_text("article")


def test_a_broken_page_says_why_and_the_others_stay_up(built: Built, open_page: OpenPage) -> None:
    """The fault stands in the page's place; the same workflow's other page works."""
    watched = open_page()

    watched.visit(f"{built.url}/broken/")
    shown = watched.page.inner_text("article")
    watched.visit(f"{built.url}/broken/fine/")

    assert "evidence/pages/index.md, line 5" in shown
    assert "'BarChrt' is not defined" in shown
    assert watched.big_value("Rows of t") == "0"
    told = watched.page.inner_text("article")
    assert "evidence/pages/fine.md, line 7" in told
    assert "evidence/pages/index.md" not in told
    # Evidence reports a query that fails on the console as well.
    assert all("nosuch" in fault for fault in watched.faults)
    watched.faults.clear()


def test_a_page_that_throws_says_so(built: Built, open_page: OpenPage) -> None:
    """No white screen: what happened, and the way to the other pages."""
    watched = open_page()

    watched.visit(f"{built.url}/broken/crash/")

    shown = watched.page.inner_text("article")
    assert "/broken/crash/ has an error" in shown
    assert "SyntaxError" in shown
    assert len(watched.faults) == 1
    watched.faults.clear()
    watched.page.get_by_role("link", name="The other dashboards").click()
    watched.page.get_by_role("heading", name="Dashboards").wait_for()


def test_numbers_are_written_by_their_size(built: Built, open_page: OpenPage) -> None:
    """A small rate is not 0.00, a large amount no row of digits, and a change has its sign."""
    watched = open_page()
    watched.visit(f"{built.url}/broken/fine/")

    assert watched.big_value("Rate") == "0.00000520"
    assert watched.big_value("Amount") == "492B"
    assert watched.big_value("Mean") == "12.35"
    assert watched.big_value("Up") == "+0.5"
    watched.faults.clear()


def test_each_workflow_has_its_own_components(built: Built, open_page: OpenPage) -> None:
    """Two components of one name do not replace each other."""
    watched = open_page()
    for name, path in (("orders", "/orders/"), ("broken", "/broken/fine/")):
        watched.visit(built.url + path)
        assert f"badge of {name}" in watched.page.inner_text("article")
    watched.faults.clear()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_days_are_the_same_all_over_the_world(built: Built, open_page: OpenPage, zone: str) -> None:
    """A date is not shifted by the time zone of whoever looks at it."""
    watched = open_page(timezone_id=zone)

    watched.visit(f"{built.url}/visits/")

    assert "1 Jan 2024 to 31 Dec 2025" in watched.page.inner_text("article").replace("\n", " ")
    assert "Jan 1, 2024 - Dec 31, 2025" in watched.page.inner_text("article")


def test_it_reads_well_on_a_phone_and_in_the_dark(built: Built, open_page: OpenPage) -> None:
    """Nothing is wider than the screen, and the reader's colours are used."""
    watched = open_page(viewport={"width": 400, "height": 800}, color_scheme="dark")

    for path in ("/", "/visits/", "/orders/", "/broken/"):
        watched.visit(built.url + path)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= 400
        assert watched.page.get_attribute("html", "data-theme") == "dark"


def test_filters_are_reached_and_used_with_the_keyboard(built: Built, open_page: OpenPage) -> None:
    """Who has no mouse can choose a country."""
    watched = open_page()
    watched.visit(f"{built.url}/visits/")

    for _ in range(40):
        watched.page.keyboard.press("Tab")
        focused = watched.page.evaluate("document.activeElement.innerText")
        if "Country" in (focused or ""):
            break
    watched.page.keyboard.press("Enter")

    watched.page.get_by_role("option", name="Japan").wait_for()


def test_tables_can_be_scrolled_with_the_keyboard_and_controls_have_names(
    built: Built, open_page: OpenPage
) -> None:
    """Who sees nothing or has no mouse gets at every column, and is told what a control is for."""
    watched = open_page()
    watched.visit(f"{built.url}/visits/")

    watched.page.get_by_role("region", name="Table: Latest rows").first.focus()
    focused = watched.page.evaluate("document.activeElement.className")
    assert "scrollbox" in focused
    for choice in watched.page.get_by_role("combobox").all():
        assert choice.get_attribute("aria-label")


def test_a_copy_of_the_folder_is_the_whole_site(
    built: Built, open_page: OpenPage, tmp_path: Path
) -> None:
    """A static host needs the public folder and nothing else."""
    copy = shutil.copytree(built.error.build.folder, tmp_path / "copy")
    watched = open_page()

    with site_server(copy) as url:
        watched.visit(f"{url}/visits/")
        assert "20,000 rows" in watched.page.inner_text("article").replace("\n", " ")
