"""A real browser for tests: import the fixtures into a conftest.

The browser is the machine's own Chromium, else Playwright's; without one the tests are skipped.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

if TYPE_CHECKING:
    from dataflow.service.published_data import PublishedData

__all__ = [
    "WatchedPage",
    "browser",
    "open_page",
    "playwright_driver",
    "shared_node_modules",
    "site_server",
    "started_browser",
]

# Nothing of the browser's own may reach out, so that every request seen is the page's.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The pixels of A4 between margins of 12 mm.
_PAPER = 703
_CHART_INSTANCES = "Symbol.for('__evidence-chart-window-debug__')"


@dataclass
class WatchedPage:
    """A browser page that remembers what it asked for and what went wrong."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to remember."""

        def on_request(request: Request) -> None:
            self.hosts.add(urlsplit(request.url).hostname or "")

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.faults.append(message.text)

        def on_error(error: PlaywrightError) -> None:
            self.faults.append(str(error))

        def on_response(answer: Response) -> None:
            if answer.status >= 400:
                self.faults.append(f"{answer.status} {answer.url}")

        self.page.on("request", on_request)
        self.page.on("console", on_console)
        self.page.on("pageerror", on_error)
        self.page.on("response", on_response)

    def visit(self, url: str) -> None:
        """Open an Evidence page and wait until all its queries have answered."""
        self.page.goto(url)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing on the page is loading any more."""
        self.page.wait_for_selector("article")
        self.page.wait_for_function(
            "() => !document.querySelector('.animate-pulse, [data-loading=true]')"
        )

    def big_value(self, title: str) -> str:
        """The number that a BigValue shows under its title."""
        box = self.page.locator("div.inline-block", has_text=title).first
        return box.locator("div.text-xl").inner_text().strip()

    def figure(self, title: str) -> str:
        """The value that a page's figures show under a title."""
        box = self.page.locator("dl > div", has=self.page.get_by_text(title, exact=True)).first
        return box.locator("dd.value").inner_text().strip()

    def ranked(self, heading: str) -> list[tuple[str, str]]:
        """The rows of the ranking under a heading: name and value."""
        rows = self.page.locator(f"h2:has-text('{heading}') + .ranking tbody tr").all()
        return [
            (row.locator("th").inner_text().strip(), row.locator("td.number").inner_text().strip())
            for row in rows
        ]

    def beyond_paper(self) -> list[str]:
        """Show the page as A4 paper has it; gives what reaches over its margins."""
        self.page.emulate_media(media="print")
        self.page.set_viewport_size({"width": _PAPER, "height": 1000})
        self.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        self.page.wait_for_function("document.documentElement.dataset.theme === 'light'")
        assert self.page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 255, 255)"
        found: list[str] = self.page.evaluate(
            "(width) => [...document.querySelectorAll('article *')].filter((one) => "
            # A picture cuts off itself what is drawn beyond its edge.
            "!one.ownerSVGElement && one.checkVisibility() && "
            "one.getBoundingClientRect().right > width + 1)"
            ".map((one) => one.outerHTML.slice(0, 150))",
            _PAPER,
        )
        return found

    def chart_series(self) -> list[list[list[object]]]:
        """The data of the first series of every chart: the charts themselves are pictures."""
        self.page.wait_for_function(f"() => Object.keys(window[{_CHART_INSTANCES}] ?? {{}}).length")
        found: list[list[list[object]]] = self.page.evaluate(
            f"() => Object.values(window[{_CHART_INSTANCES}])"
            ".map((chart) => chart.getOption().series[0].data)"
        )
        return found


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    """What starts browsers; a process can have one at a time."""
    with sync_playwright() as playwright:
        yield playwright


@contextmanager
def started_browser(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """A headless Chromium, with further arguments of its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    own = next((path for path in map(shutil.which, names) if path), None)
    try:
        started = playwright.chromium.launch(executable_path=own, args=[*_ARGUMENTS, *arguments])
    except PlaywrightError as error:
        pytest.skip(f"there is no Chromium: {error.message.splitlines()[0]}")
    yield started
    started.close()


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    """One headless Chromium for the whole session."""
    with started_browser(playwright_driver) as started:
        yield started


OpenPage = Callable[..., WatchedPage]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Make watched pages; options are those of Playwright's ``new_context``.

    When the test ends, every page must have talked to this machine only, without an error in its
    console, an exception or a failed request.
    """
    opened: list[WatchedPage] = []

    def make(**options: object) -> WatchedPage:
        watched = WatchedPage(browser.new_context(**options).new_page())  # type: ignore[arg-type]
        watched.watch()
        opened.append(watched)
        return watched

    yield make
    for watched in opened:
        watched.page.context.close()
    assert [fault for watched in opened for fault in watched.faults] == []
    assert {host for watched in opened for host in watched.hosts} <= {"127.0.0.1", ""}


@contextmanager
def site_server(
    folder: Path, base_path: str = "", data: PublishedData | None = None
) -> Iterator[str]:
    """Serve a built site from this process; gives its address, without the base path."""
    import uvicorn

    from dataflow.service.dashboard_server import site_app
    from dataflow.service.web_access import WebAccess
    from dataflow.service.web_server import listen, server_config

    listener = listen("127.0.0.1", 0)
    access = WebAccess(frozenset({"127.0.0.1"}))
    app = site_app(folder, base_path, data)
    server = uvicorn.Server(server_config(app, access, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        # The socket listens already, so the first request waits for the server by itself.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="session")
def shared_node_modules(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Install the dashboards' packages once; the result links them into a project's folder."""
    from dataflow_tools.site.folders import EvidenceFolders
    from dataflow_tools.site.node import find_node
    from dataflow_tools.site.packages import install_packages

    folders = EvidenceFolders(tmp_path_factory.mktemp("packages"))
    install_packages(folders, find_node(), lambda _: None)

    def share(project_root: Path) -> None:
        link = project_root / ".dataflow" / "site" / "node_modules"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folders.modules)

    return share
