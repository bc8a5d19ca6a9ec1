"""How soon a browser shows new data: our publishing against Evidence's own sources and build.

One DuckDB file with a table of a million rows and one page over it. Its numbers change, as they do
at the end of `dbt build`; the clock runs until a browser that opens the page shows the new ones.
Installing, the first build and starting the browser are not in it. The page is opened by a new
visitor, with nothing in its cache. "Open page" is ours only: a reader with the page open before,
who follows the notice that there is newer data.

Everything is made in a temporary folder, from npm's packages and Evidence's own DuckDB connector.
It takes 4 to 10 minutes, mostly Evidence. From a fresh checkout:

    make setup test-tools
    .venv/bin/python benchmarks/dashboards.py [--rows 1000000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import uvicorn
from measuring import Result, record
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dataflow.publish.folders import SiteFolders
from dataflow.publish.parquet import publish_workflow
from dataflow.service.dashboard_server import site_app
from dataflow.service.web_access import WebAccess
from dataflow.service.web_server import listen, server_config
from dataflow.shared.project import Project
from dataflow_tools.site.folders import EvidenceFolders
from dataflow_tools.site.node import Node, find_node
from dataflow_tools.site.packages import install_packages, site_files
from dataflow_tools.site.site_build import build_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

CONNECTOR = "@evidence-dev/duckdb@2.0.1"
NAMES = ("chromium", "chromium-browser", "google-chrome")
GOAL_SECONDS, GOAL_RATIO = 2.0, 20.0
SOURCE = "SELECT * FROM marts.sales\n"
PAGE = """# Sales

```sql total
select count(*) as n, sum(amount) as amount from bench.sales
```

```sql months
select date_trunc('month', day) as month, sum(amount) as amount
from bench.sales
group by 1
order by 1
```

<BigValue data={total} value=n title="Rows" fmt=num0 />
<BigValue data={total} value=amount title="Amount" fmt="#,##0" />

<LineChart data={months} x=month y=amount />
"""


class Warehouse:
    """The DuckDB file that both ways read."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ask("CREATE SCHEMA marts")
        self._ask(
            "CREATE TABLE marts.sales AS SELECT range AS id, "
            "DATE '2020-01-01' + (range * 7 % 2000)::INTEGER AS day, "
            "['north', 'south', 'east', 'west'][range % 4 + 1] AS region, "
            "'customer ' || range * 7919 % 50000 AS customer, (range * 37 % 60000) / 4 AS amount, "
            "range % 12 AS quantity, range % 3 = 0 AS returned FROM range(?)",
            rows,
        )

    def change(self) -> str:
        """Change the numbers as a run would; give the new total as the page writes it."""
        self._ask("UPDATE marts.sales SET amount = amount + 1")
        (amount,) = self._ask("SELECT sum(amount) FROM marts.sales")
        return f"{amount:,.0f}"

    def _ask(self, sql: str, *values: int) -> tuple[float, ...]:
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(sql, values).fetchone() or ()


def main() -> int:
    """Measure both in one run and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of ours; the median counts")
    options = parser.parse_args()
    node = find_node()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        top = Path(folder)
        project = make_ours(top / "ours", options.rows)
        warehouse = Warehouse(project.warehouse_file("bench"), options.rows)
        theirs = make_theirs(top / "theirs", project, warehouse.path, node)
        say("Building our site once")
        publish_workflow(project, "bench")
        build_site(project, lambda _: None)
        say(f"Ours: {options.repeat} changes of {options.rows:,} rows")
        ours = [measure_ours(project, warehouse, browser) for _ in range(options.repeat)]
        reader = measure_open_page(project, warehouse, browser)
        say("Evidence's own way: sources, build, browser")
        evidence = measure_theirs(theirs, warehouse, browser, node)
    report([statistics.median(column) for column in zip(*ours, strict=True)], reader, evidence)
    return 0


def make_ours(root: Path, rows: int) -> Project:
    """A project with one workflow, as `dataflow evidence build` finds it."""
    say(f"Making a project with {rows:,} rows; installing Evidence (a minute)")
    project = Project(root)
    evidence = project.workflow_dir("bench") / "evidence"
    for name in ("pages", "sources"):
        (evidence / name).mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    (evidence.parent / "config.yaml").write_text("workflow: {name: Bench}\n")
    (evidence / "pages" / "index.md").write_text(PAGE)
    (evidence / "sources" / "sales.sql").write_text(SOURCE)
    install_packages(EvidenceFolders.of(project), find_node(), lambda _: None)
    return project


def make_theirs(root: Path, project: Project, database: Path, node: Node) -> Path:
    """The same page as a site of Evidence's own, of the same packages and its connector."""
    say("Installing Evidence's DuckDB connector")
    shutil.copytree(EvidenceFolders.of(project).modules, root / "node_modules", symlinks=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(site_files() / name, root)
    run([*node.npm, "install", "--prefer-offline", "--loglevel=error", CONNECTOR], root, node)
    source = root / "sources" / "bench"
    source.mkdir(parents=True)
    (source / "connection.yaml").write_text(
        "name: bench\ntype: duckdb\noptions:\n  filename: bench.duckdb\n"
    )
    (source / "bench.duckdb").symlink_to(database)
    (source / "sales.sql").write_text(SOURCE)
    (root / "pages").mkdir()
    (root / "pages" / "index.md").write_text(PAGE)
    (root / "evidence.config.yaml").write_text(
        'plugins:\n  components:\n    "@evidence-dev/core-components": {}\n'
        '  datasources:\n    "@evidence-dev/duckdb": {}\n'
    )
    return root


def measure_ours(project: Project, warehouse: Warehouse, browser: Browser) -> tuple[float, float]:
    """Seconds of publishing, and of a new visitor's browser."""
    with serving(SiteFolders.of(project).public) as url, visitor(browser) as context:
        page = context.new_page()
        expected = warehouse.change()
        began = time.perf_counter()
        publish_workflow(project, "bench")
        published = time.perf_counter()
        show(page, f"{url}/bench/", expected)
        return published - began, time.perf_counter() - published


def measure_open_page(project: Project, warehouse: Warehouse, browser: Browser) -> float:
    """Seconds from the change until a page that was open shows it, once its reader was told."""
    with serving(SiteFolders.of(project).public) as url, visitor(browser) as context:
        page = context.new_page()
        show(page, f"{url}/bench/", "Amount")
        expected = warehouse.change()
        began = time.perf_counter()
        publish_workflow(project, "bench")
        # As when the reader comes back to the page; else it looks by itself after a few seconds.
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.get_by_role("button", name="Show it").click()
        page.get_by_text(expected, exact=True).wait_for()
        return time.perf_counter() - began


def measure_theirs(
    root: Path, warehouse: Warehouse, browser: Browser, node: Node
) -> tuple[float, float, float]:
    """Seconds of `evidence sources`, of `evidence build`, and of a new visitor's browser."""
    program = [str(node.node), str(root / "node_modules/@evidence-dev/evidence/cli.js")]
    expected = warehouse.change()
    began = time.perf_counter()
    run([*program, "sources"], root, node)
    fetched = time.perf_counter()
    run([*program, "build"], root, node)
    built = time.perf_counter()
    with serving(root / "build") as url, visitor(browser) as context:
        page = context.new_page()
        opening = time.perf_counter()
        show(page, f"{url}/", expected)
        return fetched - began, built - fetched, time.perf_counter() - opening


def show(page: Page, url: str, expected: str) -> None:
    """Open a page and wait for a number on it."""
    page.goto(url, wait_until="commit")
    page.get_by_text(expected, exact=True).first.wait_for(timeout=60_000)


def report(ours: list[float], reader: float, theirs: tuple[float, float, float]) -> None:
    """Print the table and whether the goal is met."""
    publish, visit = ours
    sources, build, their_visit = theirs
    total, their_total = publish + visit, sum(theirs)
    print(f"\n{'seconds':34}{'ours':>8}{'Evidence':>10}{'ratio':>8}")
    for name, mine, other in (
        ("tables for the browser", publish, sources),
        ("building the site", 0.0, build),
        ("browser, first visit", visit, their_visit),
        ("end of dbt build to new number", total, their_total),
    ):
        ratio = f"{other / mine:7.1f}x" if mine else "-"
        print(f"{name:34}{mine:8.2f}{other:10.2f}{ratio:>8}")
    print(f"{'the same, page open before':34}{reader:8.2f}{'-':>10}{'-':>8}")
    faster = their_total / total
    record(
        Result(
            "dashboards",
            "from the end of dbt build to the new number in a browser",
            f"{total:.2f} s",
            goal=f"{GOAL_SECONDS:g} s",
            met=total <= GOAL_SECONDS,
        ),
        Result(
            "dashboards",
            "the same by Evidence's own sources and build",
            f"{their_total:.1f} s",
            f"{faster:.0f}x faster",
            f"{GOAL_RATIO:g}x",
            faster >= GOAL_RATIO,
        ),
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, else Playwright's."""
    own = next((path for path in map(shutil.which, NAMES) if path), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody who was never here before."""
    context = browser.new_context()
    yield context
    context.close()


@contextmanager
def serving(folder: Path, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[str]:
    """Serve a folder as `dataflow evidence serve` does, with another app around it."""
    listener = listen("127.0.0.1", 0)
    access = WebAccess(frozenset({"127.0.0.1"}))
    server = uvicorn.Server(server_config(around(site_app(folder)), access, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


def run(command: list[str], folder: Path, node: Node) -> None:
    """Run a program of Node's; stop with what it said if it fails."""
    environment = {**node.environment(), "NODE_OPTIONS": "--max-old-space-size=4096"}
    environment["PATH"] = os.pathsep.join(
        (str(folder / "node_modules" / ".bin"), environment["PATH"])
    )
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
