"""From a CSV file to a tested, published mart: ours, every peer that a user would pick, and plain SQL.

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
processes, memory the most that they held at one time. Ways are run in turn; the least counts, ratios
are the median of those turn by turn. Slow ways get 100,000 rows, beside two that are not slow.

"Without dbt" is from the file to the raw table: the CPU of that command less its CPU on 1,000 rows,
which is what starting costs; of ours `workflow run --only load`, against load.sql of plain SQL.

From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/pipeline.py [--millions 1 5] [--repeat 2] [--only NAME ...] [--quick]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import Cost, Result, in_turn, least, ratio, record, say
from ours import PANDAS, QUARANTINE, STRICT, Project, lay_models, make_project
from peers import NotInstalledError, Peer, Place, environment, make_place
from sales_data import Sales, make_sales

if TYPE_CHECKING:
    from collections.abc import Callable

PART = "pipeline"
SLOW_ROWS = 100_000
WARM_UP_ROWS = 1_000
QUICK_ROWS = 200_000
LIMIT = Peer("plain SQL, no tests", "plain_sql")
REFERENCE = Peer("plain SQL and dbt build", "plain_sql_dbt", {"plain_sql": "."})
DBT = {"dbt": "dbt"}
PEERS = [
    Peer("dlt and dbt", "dlt_dbt", DBT),
    Peer("Dagster with dagster-dlt and dagster-dbt", "dagster", DBT),
    Peer("SQLMesh", "sqlmesh"),
    Peer("Kedro with Ibis", "kedro"),
]
OURS, OURS_PANDAS = "ours", "ours with pandas"
# How many times the CPU and the memory of the reference ours may take.
CPU_GOAL, MEMORY_GOAL = 1.5, 1.3
# How many times the CPU of plain SQL the steps without dbt may take.
LOAD_GOALS = {STRICT: 1.3, QUARANTINE: 1.3, PANDAS: 1.5}


def main() -> None:
    """Measure all ways at each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="peers by their folders; default: all")
    parser.add_argument("--quick", action="store_true", help="200,000 rows, once, no installing")
    chosen = parser.parse_args()
    peers = [one for one in PEERS if chosen.only is None or one.folder in chosen.only]
    programs = {}
    for peer in peers:
        try:
            programs[peer.folder] = environment(peer, install=not chosen.quick)
        except NotInstalledError as error:
            record(Result(PART, f"{peer.title}: not measured, {error}", ""))
    peers = [one for one in peers if one.folder in programs]
    fast = [one for one in peers if one.most_rows is None]
    slow = [one for one in peers if one.most_rows is not None]
    repeat = 1 if chosen.quick else chosen.repeat
    sizes = [QUICK_ROWS] if chosen.quick else [int(each * 1e6) for each in chosen.millions]
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        for rows in sizes:
            comparison = Comparison(Path(folder) / str(rows), rows, fast, programs)
            comparison.compare(repeat, whole=True)
        if slow and not chosen.quick:
            rows = min(SLOW_ROWS, *(one.most_rows or SLOW_ROWS for one in slow))
            Comparison(Path(folder) / "slow", rows, slow, programs).compare(1, whole=False)


class Comparison:
    """All ways at one size."""

    def __init__(self, top: Path, rows: int, peers: list[Peer], programs: dict[str, Path]) -> None:
        """Make the files, and a place for each way.

        Args:
            top: The folder for all of it.
            rows: How many rows.
            peers: Who is compared beside plain SQL and ours.
            programs: The `bin` of each peer, by its folder.
        """
        say(f"From a file to a published mart, {rows:,} rows")
        top.mkdir()
        self.rows = rows
        self.sales = make_sales(top / "sales.csv", rows)
        self.small = make_sales(top / "small.csv", WARM_UP_ROWS)
        self.ours: Project = make_project(top, self.sales)
        all_peers = [LIMIT, REFERENCE, *peers]
        self.places = {
            one.title: make_place(one, top, programs.get(one.folder) or environment(one))
            for one in all_peers
        }
        lay_models(self.ours, self.places[REFERENCE.title].folder)

    def compare(self, repeat: int, *, whole: bool) -> None:
        """Run all ways in turn and record what they cost.

        Args:
            repeat: How many turns.
            whole: Whether the steps without dbt are measured as well, and pandas.
        """
        ways: dict[str, Callable[[Sales], Cost]] = {}
        for title, place in self.places.items():
            ways[title] = place.run
        ways[OURS] = lambda sales: self.ours.run(STRICT, sales)
        if whole:
            ways[OURS_PANDAS] = lambda sales: self.ours.run(PANDAS, sales)
        say("  each once on 1,000 rows …")
        for place in self.places.values():
            place.warm_up(self.small)
        for name in (STRICT, PANDAS) if whole else (STRICT,):
            self.ours.run(name, self.small)
        costs = self._measured(ways, repeat)
        for title, found in costs.items():
            self._record_way(title, found, costs[REFERENCE.title])
        if whole:
            self._compare_loads(repeat)

    def _measured(
        self, ways: dict[str, Callable[[Sales], Cost]], repeat: int
    ) -> dict[str, list[Cost]]:
        return in_turn({title: self._told(title, run) for title, run in ways.items()}, repeat)

    def _told(self, title: str, run: Callable[[Sales], Cost]) -> Callable[[], Cost]:
        def told() -> Cost:
            began = time.monotonic()
            cost = run(self.sales)
            say(f"  … {title}: {cost.cpu:.1f} s CPU, {time.monotonic() - began:.1f} s")
            return cost

        return told

    def _record_way(self, title: str, costs: list[Cost], reference: list[Cost]) -> None:
        best = least(costs)
        cpu_goal = CPU_GOAL if title in {OURS, OURS_PANDAS} else None
        memory_goal = None if cpu_goal is None else MEMORY_GOAL
        speed = f"{best.wall:.1f} s, {self.rows / best.wall:,.0f} rows/s"
        name = f"{self.rows:,} rows, {title}"
        memory = f"{best.memory / 2**20:,.0f} MiB"
        record(
            _row(f"{name}: CPU", f"{best.cpu:.1f} s", ratio(costs, reference, "cpu"), cpu_goal),
            _row(f"{name}: time", speed, ratio(costs, reference), None),
            _row(f"{name}: memory", memory, ratio(costs, reference, "memory"), memory_goal),
        )

    def _compare_loads(self, repeat: int) -> None:
        """What a row costs before dbt, without what starting costs."""
        place: Place = self.places[LIMIT.title]
        ways: dict[str, Callable[[Sales], Cost]] = {
            LIMIT.title: lambda sales: place.run(sales, "load.sh"),
            **{name: self._loading(name) for name in LOAD_GOALS},
        }
        starts = {title: _least_of_two(run, self.small) for title, run in ways.items()}
        costs = self._measured(ways, repeat)
        marginal = {
            title: [Cost(one.wall, max(one.cpu - starts[title].cpu, 0.01)) for one in found]
            for title, found in costs.items()
        }
        for title, found in marginal.items():
            times = ratio(found, marginal[LIMIT.title], "cpu")
            value = f"{least(found).cpu:.1f} s"
            name = f"{self.rows:,} rows, {title}: CPU without dbt and starting"
            record(_row(name, value, times, LOAD_GOALS.get(title)))

    def _loading(self, name: str) -> Callable[[Sales], Cost]:
        return lambda sales: self.ours.load(name, sales)


def _least_of_two(run: Callable[[Sales], Cost], sales: Sales) -> Cost:
    run(sales)
    return least([run(sales), run(sales)])


def _row(what: str, value: str, times: float, limit: float | None) -> Result:
    goal = "" if limit is None else f"{limit:g}x"
    met = None if limit is None else round(times, 2) <= limit
    return Result(PART, what, value, f"{times:.2f}x", goal, met)


if __name__ == "__main__":
    main()
