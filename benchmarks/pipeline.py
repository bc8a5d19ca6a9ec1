"""From a CSV file to a tested, published mart: ours, the peers that users pick, and plain SQL.

Each way reads the same file, fails at a value that does not fit, drops repeated rows, stamps the
rest with the time, makes a staging model and a mart with every column cast, and writes that to
Parquet; all but the scripts run the eight tests of our rendered dbt project, too. What was
published is proved equal after each run. The ways are:

- plain SQL: statements in DuckDB, no tests. The limit.
- plain SQL and dbt build: the same raw table, then the models and tests that were rendered for us.
  What all others are compared with.
- ours: `dataflow workflow run`, as rendered; also with a transform.py that goes through pandas.
- the peers of benchmarks/peers/, each with its own defaults and as its documentation says, in an
  environment of its own. One that cannot be had is a row that says so.
- scripts without tests: Arrow into dlt, dicts into dlt, dicts through a plain Dagster job.

Every run is a new process in a project that has run before, on 1,000 rows. CPU is of all its
processes, memory the most that they held at one time. Ways are run in turn, peers in the first turn
only; the least counts, ratios are the median of those turn by turn. Slow ways get 100,000 rows.

"Without dbt" is from the file to the raw table: the CPU of that command less its CPU on 1,000 rows,
which is what starting costs; of ours `workflow run --only load`, against load.sql of plain SQL.

From a fresh checkout (--quick leaves peers out but for those that --only names):

    make setup
    .venv/bin/python benchmarks/pipeline.py [--millions 1 5] [--repeat 2] [--quick] [--only PEER]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import Cost, Result, least, ratio, record, say
from ours import PANDAS, QUARANTINE, STRICT, lay_models, make_project
from peers import NotInstalledError, Peer, environment, make_place
from peers_known import LIMIT, PEERS, REFERENCE
from sales_data import Sales, make_sales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PART = "pipeline"
WARM_UP_ROWS, QUICK_ROWS, SLOW_ROWS = 1_000, 200_000, 100_000
OURS, OURS_PANDAS = "ours", "ours with pandas"
# How many times the CPU and the memory of the reference ours may take.
CPU_GOAL, MEMORY_GOAL = 1.5, 1.3
# Where ours stop before dbt: how many times the CPU of plain SQL each may take.
LOADS = {
    STRICT: ("ours, strict", 1.3),
    QUARANTINE: ("ours, quarantine", 1.3),
    PANDAS: ("ours with pandas", 1.5),
}


def main() -> None:
    """Measure all ways at each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="*", default=[1, 5])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--only", nargs="*", metavar="PEER", help="by their folders; default: all")
    parser.add_argument("--quick", action="store_true", help="200,000 rows, once, without peers")
    chosen = parser.parse_args()
    wanted = [one.folder for one in PEERS] if chosen.only is None else chosen.only
    if chosen.quick and chosen.only is None:
        say("Peers are left out; name those to be measured with --only.")
        wanted = []
    installed = list(_installed(one for one in PEERS if one.folder in wanted))
    fast = [one.title for one, _ in installed if not one.slow]
    slow = [one.title for one, _ in installed if one.slow]
    sizes = [QUICK_ROWS] if chosen.quick else [int(each * 1e6) for each in chosen.millions]
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        top = Path(folder)
        comparison = Comparison(top, installed, [STRICT] if chosen.quick else list(LOADS))
        if slow:
            say(f"From a file to a published mart, {SLOW_ROWS:,} rows")
            sales = make_sales(top / "sales.csv", SLOW_ROWS)
            comparison.compare(sales, [REFERENCE.title, OURS], slow, 1)
        for rows in sizes:
            say(f"From a file to a published mart, {rows:,} rows")
            sales = make_sales(top / "sales.csv", rows)
            repeat = 1 if chosen.quick else chosen.repeat
            core = [LIMIT.title, REFERENCE.title, OURS, OURS_PANDAS]
            comparison.compare(sales, core[:3] if chosen.quick else core, fast, repeat)
            if not chosen.quick:
                # Of few rows it is less than what one start differs from the next.
                comparison.compare_loads(sales, repeat)


def _installed(peers: Iterable[Peer]) -> Iterable[tuple[Peer, Path]]:
    """Peers with their programs; a row for each that cannot be had."""
    for peer in peers:
        try:
            yield peer, environment(peer)
        except NotInstalledError as error:
            record(Result(PART, f"{peer.title}: not measured, {error}", ""))


class Comparison:
    """All ways, each in a place where it has run once."""

    def __init__(self, top: Path, peers: list[tuple[Peer, Path]], workflows: list[str]) -> None:
        """Make the places and run each way on few rows.

        Args:
            top: The folder for all of it.
            peers: Who is compared beside plain SQL and ours, and where its programs are.
            workflows: Those of ours that are made.
        """
        say(f"Each once on {WARM_UP_ROWS:,} rows, not measured …")
        self.small = make_sales(top / "small.csv", WARM_UP_ROWS)
        looked_at = make_sales(top / "sales.csv", QUICK_ROWS)
        project = make_project(top, looked_at, workflows)
        programs = [(one, environment(one)) for one in (LIMIT, REFERENCE)] + peers
        places = {one.title: make_place(one, top, each) for one, each in programs}
        lay_models(project, places[REFERENCE.title].folder)
        for place in places.values():
            place.warm_up(self.small)
        for name in workflows:
            if name != QUARANTINE:
                project.run(name, self.small)
        self.ways: dict[str, Callable[[Sales], Cost]] = {
            **{title: place.run for title, place in places.items()},
            OURS: lambda sales: project.run(STRICT, sales),
            OURS_PANDAS: lambda sales: project.run(PANDAS, sales),
        }

        def loading(name: str) -> Callable[[Sales], Cost]:
            return lambda sales: project.run(name, sales, "--only", "load")

        limit = places[LIMIT.title]
        self.loads: dict[str, Callable[[Sales], Cost]] = {
            LIMIT.title: lambda sales: limit.run(sales, "load.sh"),
            **{LOADS[name][0]: loading(name) for name in workflows},
        }
        if QUARANTINE in workflows:
            # Its first run is unlike later ones, as those of the others were.
            self.loads[LOADS[QUARANTINE][0]](self.small)
        self.starts = {title: run(self.small) for title, run in self.loads.items()}

    def compare(self, sales: Sales, core: list[str], others: list[str], repeat: int) -> None:
        """Run ways in turn and record what each cost, against the reference.

        Args:
            sales: What they read.
            core: Who is run in every turn.
            others: Who is run in the first one only.
            repeat: How many turns.
        """
        costs: dict[str, list[Cost]] = {title: [] for title in [*core, *others]}
        for turn in range(repeat):
            for title in core if turn else costs:
                costs[title].append(_told(title, self.ways[title], sales))
        for title, found in costs.items():
            _record_way(sales, title, found, costs[REFERENCE.title])

    def compare_loads(self, sales: Sales, repeat: int) -> None:
        """What rows cost before dbt, without what starting costs."""
        costs: dict[str, list[Cost]] = {title: [] for title in self.loads}
        for _ in range(repeat):
            for title, run in self.loads.items():
                cost = _told(f"{title}, without dbt", run, sales)
                rows_alone = max(cost.cpu - self.starts[title].cpu, 0.01)
                costs[title].append(Cost(cost.wall, rows_alone))
        goals = dict(LOADS.values())
        for title, found in costs.items():
            name = f"{sales.rows:,} rows, {title}: CPU without dbt and starting"
            times = ratio(found, costs[LIMIT.title], "cpu")
            goal = goals.get(title)
            record(_row(name, f"{least(found).cpu:.1f} s", times, goal, title == LIMIT.title))


def _told(title: str, run: Callable[[Sales], Cost], sales: Sales) -> Cost:
    cost = run(sales)
    say(f"  … {title}: {cost.cpu:.1f} s CPU, {cost.wall:.1f} s")
    return cost


def _record_way(sales: Sales, title: str, costs: list[Cost], reference: list[Cost]) -> None:
    best = least(costs)
    peer = title not in {OURS, OURS_PANDAS}
    cpu_goal = None if peer else CPU_GOAL
    memory_goal = None if cpu_goal is None else MEMORY_GOAL
    name = f"{sales.rows:,} rows, {title}"
    speed = f"{best.wall:.1f} s, {sales.rows / best.wall:,.0f} rows/s"
    memory = f"{best.memory / 2**20:,.0f} MiB"
    record(
        _row(f"{name}: CPU", f"{best.cpu:.1f} s", ratio(costs, reference, "cpu"), cpu_goal, peer),
        _row(f"{name}: time", speed, ratio(costs, reference), None, peer),
        _row(f"{name}: memory", memory, ratio(costs, reference, "memory"), memory_goal, peer),
    )


def _row(what: str, value: str, times: float, limit: float | None, peer: bool) -> Result:
    goal = "" if limit is None else f"{limit:g}x"
    met = None if limit is None else round(times, 2) <= limit
    return Result(PART, what, value, f"{times:.2f}x", goal, met, peer)


if __name__ == "__main__":
    main()
