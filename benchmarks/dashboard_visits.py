"""What a first visit costs with a million rows and with ten: seconds, bytes and memory.

Three sites over one table, each opened by a browser that was never there before:

- ours, the page that `dataflow workflow new` makes;
- ours, a page by hand that asks the table itself (`dashboards.py` has its text);
- Evidence's own sources and static build of that same page.

The clock runs from opening the page to its first right number. Bytes are counted where they leave
the server, headers excluded. Memory is what the browser's page processes hold more, at most,
than with an empty page, until no request has been made for half a second.

Everything is made in a temporary folder. It takes 5 to 15 minutes. From a fresh checkout:

    make setup test-tools
    .venv/bin/python benchmarks/dashboard_visits.py [--rows 1000000 10000000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import psutil
from dashboards import (
    PAGE,
    chromium,
    make_theirs,
    run,
    say,
    serving,
    show,
    visitor,
)
from measuring import BIN, Result, record

from dataflow.publish.folders import SiteFolders
from dataflow.shared.project import Project
from dataflow_tools.site.node import find_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OURS, BY_HAND, THEIRS = "the rendered page", "a page by hand", "Evidence's own build of it"
_SECONDS_BETWEEN_LOOKS = 0.02
MIB = 2**20


@dataclass(frozen=True)
class Visit:
    """What one first visit cost: seconds to the first number, bytes sent, bytes of memory."""

    seconds: float
    sent: int
    memory: int


@dataclass(frozen=True)
class Site:
    """A site that is built, the path of the page, and the first number on it."""

    folder: Path
    path: str
    number: str


class CountedBytes:
    """An ASGI app that counts what another one sends.

    Args:
        app: The other one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the other one does."""

        async def counted(message: Message) -> None:
            self.sent += len(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, counted)


def main() -> int:
    """Measure all three for each number of rows and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=3, help="visits of each; the median counts")
    options = parser.parse_args()
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder, chromium() as browser:
            sites = make_sites(Path(folder), rows)
            say(f"{options.repeat} first visits of each site, {rows:,} rows")
            report(
                rows,
                {
                    name: [visit(site, browser) for _ in range(options.repeat)]
                    for name, site in sites.items()
                },
            )
    return 0


def make_sites(top: Path, rows: int) -> dict[str, Site]:
    """Build the three sites over one table, whose rows come from one Parquet file."""
    say(f"Making a project with {rows:,} rows and building its site (minutes)")
    root = top / "shop"
    dataflow("init", root, folder=top)
    (root / "in").mkdir()
    write_rows(root / "in" / "sales.parquet", rows)
    dataflow("workflow", "new", "sales", "--source", "in/sales.parquet", "--defaults", folder=root)
    dataflow("workflow", "run", "sales", folder=root)
    project = Project(root)
    pages = project.workflow_dir("sales") / "evidence" / "pages"
    (pages / "by_hand.md").write_text(PAGE.replace("bench.sales", "sales.sales"))
    dataflow("evidence", "build", folder=root)
    with duckdb.connect(str(project.warehouse_file("sales")), read_only=True) as connection:
        # As a page rounds: halves upwards, where Python takes the even one.
        total = "SELECT round(sum(amount)) FROM marts.sales"
        (amount,) = connection.execute(total).fetchone() or (0,)
    public = SiteFolders.of(project).public
    sites = {
        OURS: Site(public, "/sales/", f"{rows:,} rows"),
        BY_HAND: Site(public, "/sales/by_hand/", f"{amount:,.0f}"),
    }
    say("Building the page by hand as a site of Evidence's own (minutes)")
    node = find_node()
    try:
        theirs = make_theirs(top / "theirs", project, project.warehouse_file("sales"), node)
        program = [str(node.node), str(theirs / "node_modules/@evidence-dev/evidence/cli.js")]
        for command in ("sources", "build"):
            run([*program, command], theirs, node)
        sites[THEIRS] = Site(theirs / "build", "/", f"{amount:,.0f}")
    except SystemExit as error:
        # What it cannot do at this size is a result as well.
        say(str(error))
    return sites


def write_rows(file: Path, rows: int) -> None:
    """Sales of 2,000 days in no order, as drawn by lot: such a file is hardly smaller packed."""
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT range AS id, DATE '2020-01-01' + (hash(range) % 2000)::INTEGER AS day, "
            "['north', 'south', 'east', 'west'][(hash(range, 1) % 4 + 1)::INTEGER] AS region, "
            "'customer ' || hash(range, 2) % 50000 AS customer, "
            "(hash(range, 3) % 60000) / 4 AS amount, (hash(range, 4) % 12)::INTEGER AS quantity, "
            f"hash(range, 5) % 3 = 0 AS returned FROM range({rows})) "
            f"TO '{file}' (FORMAT parquet)"
        )


def dataflow(*arguments: str | Path, folder: Path) -> None:
    """Run a command of ours; stop with what it said if it fails."""
    done = subprocess.run(
        [str(BIN / "dataflow"), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join((str(BIN), os.environ["PATH"]))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"dataflow {' '.join(map(str, arguments))} failed:\n{done.stdout}{done.stderr}")


def visit(site: Site, browser: Browser) -> Visit:
    """Open the page as somebody who was never here."""
    counted: list[CountedBytes] = []

    def counting(app: ASGIApp) -> ASGIApp:
        counted.append(CountedBytes(app))
        return counted[0]

    with serving(site.folder, counting) as url, visitor(browser) as context:
        page = context.new_page()
        page.goto("about:blank")
        with most_memory() as memory:
            began = time.perf_counter()
            show(page, f"{url}{site.path}", site.number)
            seconds = time.perf_counter() - began
            page.wait_for_load_state("networkidle")
        return Visit(seconds, counted[0].sent, memory())


@contextmanager
def most_memory() -> Iterator[Callable[[], int]]:
    """How much more the browser's pages hold at most than at the start, once it is asked."""
    over = threading.Event()
    before = held_by_pages()
    most = [before]

    def look() -> None:
        while not over.wait(_SECONDS_BETWEEN_LOOKS):
            most[0] = max(most[0], held_by_pages())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield lambda: most[0] - before
    over.set()
    thread.join()


def held_by_pages() -> int:
    """The memory of all processes of the browser that run pages, in bytes."""
    held = 0
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                held += process.memory_full_info().uss
        except psutil.Error:
            continue
    return held


def report(rows: int, visits: dict[str, list[Visit]]) -> None:
    """Print the table of one number of rows."""
    print(f"\n{f'{rows:,} rows, first visit':34}{'seconds':>9}{'MiB sent':>10}{'MiB memory':>12}")
    for name in (OURS, BY_HAND, THEIRS):
        if name not in visits:
            print(f"{name:34}{'it could not be built':>31}")
            record(Result("dashboards", f"{rows:,} rows, {name}", "could not be built"))
            continue
        seconds, sent, memory = (
            statistics.median(getattr(one, field) for one in visits[name])
            for field in ("seconds", "sent", "memory")
        )
        print(f"{name:34}{seconds:9.2f}{sent / MIB:10.1f}{memory / MIB:12.0f}")
        record(
            Result(
                "dashboards",
                f"{rows:,} rows, first visit: {name}",
                f"{seconds:.2f} s, {sent / MIB:.1f} MiB sent, {memory / MIB:.0f} MiB of memory",
            )
        )


if __name__ == "__main__":
    sys.exit(main())
