"""The project's own pages, beside those of two workflows, under a path of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser_fixtures import OpenPage, site_server
from tests.dashboard_fixtures import new_project, write_workflow
from tests.tools.site.own_pages import ORDERS, PROJECT
from tests.tools.site.reference_pages import NAMES, read_reference, take_pictures, write_reference

from dataflow.publish.folders import SiteFolders, built_base_path
from dataflow.publish.manifest import note_run
from dataflow.publish.parquet import publish_workflow
from dataflow.shared.project import Project
from dataflow_tools.site.site_build import build_site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, shared_node_modules: Callable[[Path], None]
) -> Project:
    """A built project with pages of its own and a base path."""
    project = new_project(tmp_path_factory.mktemp("own") / "shop")
    shared_node_modules(project.root)
    for name, content in PROJECT.items():
        path = project.root / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    folder = write_workflow(
        project,
        "orders",
        pages={"index.md": ORDERS},
        sources={"orders": "SELECT range AS id FROM range(100)"},
        warehouse="SELECT 1",
    )
    (folder / "evidence" / "partials").mkdir()
    (folder / "evidence" / "partials" / "note.md").write_text("A note of orders alone.\n")
    write_workflow(
        project,
        "visits",
        sources={"visits": "SELECT range AS id FROM range(90, 120)"},
        warehouse="SELECT 1",
    )
    folder = write_workflow(project, "shop", warehouse="SELECT 1")
    write_reference(folder / "evidence")
    built = build_site(project, lambda _: None)
    assert built.pages[""] == ["/both/", "/", "/price_index/", "/search/", "/waits/"]
    return project


@pytest.fixture(scope="module")
def address(project: Project) -> Iterator[str]:
    """Where the project's server listens."""
    folders = SiteFolders.of(project)
    with site_server(folders.public, built_base_path(folders)) as url:
        yield url


def test_the_first_page_can_be_ones_own(address: str, open_page: OpenPage) -> None:
    """Own text, title, logo and colours, with the list of dashboards where one wants it."""
    watched = open_page()

    watched.visit(f"{address}/dash/")

    text = watched.page.inner_text("article")
    assert "Start here" in text
    assert "Good day from the project." in text
    assert {"Orders", "Visits"} <= set(watched.page.locator("li > a").all_inner_texts())
    assert watched.page.title() == "The whole shop"
    logo = watched.page.locator("header img").first
    assert logo.get_attribute("src") == "/dash/logo.svg"
    assert logo.evaluate("image => image.naturalWidth") == 9
    primary = "getComputedStyle(document.documentElement).getPropertyValue('--primary')"
    assert watched.page.evaluate(primary) == "#8a1c5e"
    watched.page.get_by_role("link", name="Visits").first.click()
    watched.page.get_by_role("heading", name="visits").wait_for()
    assert watched.page.url == f"{address}/dash/visits/"


def test_a_page_asks_several_workflows(address: str, open_page: OpenPage) -> None:
    """Queries in the page and in files of the project, over tables of two workflows."""
    watched = open_page()

    watched.visit(f"{address}/dash/both/")

    assert watched.big_value("In both") == "10"
    assert watched.big_value("Days") == "7"
    assert watched.big_value("Total") == "4,950"
    assert "stamped: of the project" in watched.page.inner_text("article")
    image = watched.page.get_by_role("img", name="the logo")
    assert image.evaluate("image => image.naturalWidth") == 9


def test_a_workflows_page_asks_another_workflow(address: str, open_page: OpenPage) -> None:
    """Own tables go by their bare names, others' by the workflow's; partials are found in both."""
    watched = open_page()

    watched.visit(f"{address}/dash/orders/")

    assert watched.big_value("Orders") == "100"
    assert watched.big_value("Visits") == "30"
    text = watched.page.inner_text("article")
    assert "A note of orders alone." in text
    assert "Good day from the project." in text
    assert "stamped: used by orders" in text


def test_newer_data_of_another_workflow_is_told(
    project: Project, address: str, open_page: OpenPage
) -> None:
    """A page that shows two workflows' tables tells when either has new ones."""
    watched = open_page()
    watched.visit(f"{address}/dash/both/")

    publish_workflow(project, "visits")
    watched.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    watched.page.get_by_role("button", name="Show it").wait_for()


def test_a_page_may_have_index_in_its_name(address: str, open_page: OpenPage) -> None:
    """Evidence itself loses the queries of such a page."""
    watched = open_page()

    watched.visit(f"{address}/dash/price_index/")

    assert watched.page.locator("div.text-xl").inner_text().strip() == "7"


def test_a_text_that_nobody_has_written_yet_is_empty(address: str, open_page: OpenPage) -> None:
    """A search finds everything at first, in a query upon a query as well, and does not wait."""
    watched = open_page()

    watched.visit(f"{address}/dash/search/")
    assert watched.big_value("Found") == "100"
    watched.page.get_by_placeholder("Type to search").fill("ROW 9")
    watched.page.get_by_text("11", exact=True).wait_for()


def test_a_page_that_waits_says_what_for(address: str, open_page: OpenPage) -> None:
    """An input that can have no value is named, with the query that reads it."""
    watched = open_page()

    watched.page.goto(f"{address}/dash/waits/")

    watched.page.get_by_text("waits for the input choice").wait_for()
    assert "(query chosen)" in watched.page.inner_text("article")


def test_what_is_overdue_by_its_schedule_is_shown_so(
    project: Project, address: str, open_page: OpenPage
) -> None:
    """The list tells of data that the schedule should have replaced by now, and of no other."""
    note_run(project, "orders", {"status": "success"}, overdue_after=0.001)
    note_run(project, "visits", {"status": "success"}, overdue_after=3600.0)
    watched = open_page()

    watched.visit(f"{address}/dash/")

    cards = {card.split("\n")[0]: card for card in watched.page.locator("li").all_inner_texts()}
    assert "Overdue" in cards["Orders"]
    assert "Overdue" not in cards["Visits"]


def test_outside_its_path_the_site_leads_into_it(address: str, open_page: OpenPage) -> None:
    """Who opens the port without the path is not left with a blank page."""
    watched = open_page()

    watched.page.goto(f"{address}/")
    watched.page.get_by_role("heading", name="Start here").wait_for()

    assert watched.page.url == f"{address}/dash/"


class _Proxy(BaseHTTPRequestHandler):
    """A proxy that takes the path /dash away, as many do, and passes the host's name on."""

    behind = ""

    def do_GET(self) -> None:
        connection = HTTPConnection(self.behind, timeout=30)
        place = self.path.removeprefix("/dash")
        connection.request(self.command, place, headers=dict(self.headers))
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.read())
        connection.close()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def test_a_proxy_may_take_the_path_away(address: str, open_page: OpenPage) -> None:
    """The same site works behind a proxy under its path that passes the rest on."""
    handler = type("Proxy", (_Proxy,), {"behind": address.removeprefix("http://")})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    watched = open_page()
    try:
        watched.visit(f"http://127.0.0.1:{server.server_port}/dash/orders/")
        assert watched.big_value("Visits") == "30"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", NAMES)
def test_each_snippet_of_the_reference_works(
    address: str, open_page: OpenPage, name: str, tmp_path: Path
) -> None:
    """Without a word in the console, another host or an end of waiting; a picture of each is taken.

    `make docs-pictures` puts the pictures into the documentation.
    """
    watched = open_page(viewport={"width": 1000, "height": 900})

    watched.visit(f"{address}/dash/shop/{name}/")

    pictures = take_pictures(watched, name, tmp_path)
    assert set(pictures) == set(read_reference(name).sections)
    said = watched.page.inner_text("article")
    assert "Loading" not in said
    assert not watched.page.get_by_text("error", exact=False).count(), said


def test_the_inputs_of_the_reference_change_the_page(address: str, open_page: OpenPage) -> None:
    """What a reader types, picks, moves and ticks is asked for."""
    watched = open_page()
    watched.visit(f"{address}/dash/shop/dashboards-inputs/")
    page = watched.page

    page.get_by_placeholder("den").fill("MARK")
    expect(page.locator("#textinput tr:has(td):visible")).to_have_count(1)
    page.locator("#slider [role=slider]").press("ArrowRight")
    expect(page.locator("#slider tr:has(td):visible")).to_have_count(4)
    page.locator("#checkbox input").check()
    expect(page.locator("#checkbox")).to_contain_text("366")
    page.locator("#buttongroup").get_by_text("Product").click()
    page.locator("#dimensiongrid").get_by_text("Cyprus").click()
    expect(page.locator("#dimensiongrid .text-xl")).to_have_text("91")
    page.locator("#dropdown [role=combobox]").click()
    page.get_by_role("option", name="Belgium").click()
    expect(page.locator("#dropdown [role=combobox]")).to_contain_text("Belgium")


def test_what_the_layout_of_the_reference_hides_can_be_opened(
    address: str, open_page: OpenPage
) -> None:
    """Tabs, accordion, details, dialogue and the groups of a table, by the keyboard as well."""
    watched = open_page()
    watched.visit(f"{address}/dash/shop/dashboards-layout/")
    page = watched.page
    page.locator("#tabs").get_by_text("Table", exact=True).click()
    expect(page.locator("#tabs tr:has(td):visible")).to_have_count(4)
    page.get_by_text("What is an order?").click()
    page.get_by_text("A row of the table.").wait_for()
    page.get_by_text("How it is counted").click()
    page.get_by_text("Every row once.").wait_for()
    page.get_by_text("Show all countries").click()
    expect(page.locator(".modal tr:has(td):visible")).to_have_count(4)

    watched.visit(f"{address}/dash/shop/dashboards-charts/")
    button = page.get_by_role("button", name="Rows of Chairs")
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing_on_pages_of_ones_own(
    address: str, open_page: OpenPage, scheme: str, width: int
) -> None:
    """On the whole page, the shell included; docs/dashboards.md names what is left."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    watched = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    left = {"dashboards-inputs": {"nested-interactive"}, "dashboards-layout": {"color-contrast"}}
    # Those are looked at in two of the four ways, since they take seconds each.
    reference = [f"/shop/{name}/" for name in NAMES if (scheme == "dark") == (width == 400)]
    for path in ("/", "/both/", "/orders/", *reference):
        watched.visit(f"{address}/dash{path}")
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        # What fades in is pale until it is there.
        watched.page.wait_for_function(
            "document.getAnimations().every((one) => one.playState !== 'running' || "
            "one.effect?.getComputedTiming().iterations === Infinity)"
        )
        found = axe.run(watched.page).response["violations"]
        known = left.get(path.strip("/").removeprefix("shop/"), set())
        found = [one for one in found if one["id"] not in known]
        assert [
            (path, one["id"], [node["html"][:150] for node in one["nodes"]]) for one in found
        ] == []


def test_paper_is_light_and_has_what_a_reader_needs(address: str, open_page: OpenPage) -> None:
    """No menus and inputs, charts as wide as the paper, and what tabs hide, from a dark screen."""
    watched = open_page(color_scheme="dark", viewport={"width": 1280, "height": 900})
    page = watched.page
    watched.visit(f"{address}/dash/shop/dashboards-layout/")

    assert watched.beyond_paper() == []

    expect(page.locator("#tabs tr:has(td):visible")).to_have_count(4)
    expect(page.locator("#tabs .chart img").first).to_be_attached()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in ("header", "aside", "#modal button"):
        assert not page.locator(hidden).first.is_visible(), hidden
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert page.evaluate("localStorage.getItem('evidence-theme')") in (None, "system")


def test_an_edited_page_is_all_that_is_made_anew(
    project: Project, address: str, open_page: OpenPage
) -> None:
    """The other pages are the same files as before, and the edited one shows what it says now."""
    record = SiteFolders.of(project).base / "installed.json"
    before = set(json.loads(record.read_text()))
    page = project.workflow_dir("visits") / "evidence" / "pages" / "index.md"
    page.write_text(f"{page.read_text()}\nWritten later.\n")
    said: list[str] = []

    build_site(project, said.append)

    new = {name for name in set(json.loads(record.read_text())) - before if name.endswith(".js")}
    assert len([name for name in new if "/nodes/" in name]) == 1
    assert {name.split("/")[2] for name in new} == {"entry", "nodes"}
    assert not any("once for all projects" in line or "libraries" in line for line in said)
    watched = open_page()
    watched.visit(f"{address}/dash/visits/")
    assert "Written later." in watched.page.inner_text("article")
