"""From a CSV file to a modelled table: ours, other ways, and what DuckDB alone can do.

The file has six columns, id (whole number), created_at (time stamp), customer (text with 50,000
values), region (text with four), quantity (whole number) and amount (number), and one row in a
hundred is a repetition. Every way reads it, drops the repetitions, adds the time and makes a raw
table and a mart with every column cast in a DuckDB file:

- plain SQL: two statements in DuckDB, `read_csv` with its own types. The limit.
- ours: `dataflow workflow new --source` and `dataflow workflow run`, as rendered; this also
  proves every value's type, keeps the rows in Parquet between steps, and runs dbt's eight tests.
- ours with pandas: the same with a transform.py that goes through a DataFrame.
- Arrow and dlt: pyarrow reads and drops repetitions, dlt's pipeline loads.
- dicts and dlt: Python dicts into dlt's pipeline with its defaults; fewer rows, as it is slow.
- dicts through pickles: a plain Dagster job whose ops return lists of dicts.

Each is a process of its own. "Steps" is the time from opening the file to the finished mart,
"command" the whole process with its start and imports; ours also publishes then. Memory is the
most that the process and its children held at one time. Ways are run in turn; the least counts,
ratios are the median of those turn by turn. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/pipeline.py [--millions 1 5] [--repeat 3] [--quick]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from measuring import BIN, Cost, Result, in_turn, least, measure, ratio, record, say

PART = "pipeline"
TIMEOUT = 900.0
# What lists of dicts need at 5 million rows.
BYTES_PER_DICT = 2_600
DLT_DICT_ROWS = 20_000
CSV = """
COPY (
    SELECT
        i AS id,
        TIMESTAMP '2020-01-01' + INTERVAL (i * 37 % 94608000) SECOND AS created_at,
        'customer ' || i * 7919 % 50000 AS customer,
        ['north', 'south', 'east', 'west'][i % 4 + 1] AS region,
        i % 12 + 1 AS quantity,
        (i * 37 % 60000) / 4 AS amount
    FROM (SELECT CASE WHEN range % 100 = 99 THEN range - 1 ELSE range END AS i FROM range({rows}))
) TO '{path}' (HEADER)
"""
MART = """
CREATE OR REPLACE TABLE mart AS SELECT
    cast(id AS bigint) AS id,
    cast(created_at AS timestamp) AS created_at,
    cast(customer AS varchar) AS customer,
    cast(region AS varchar) AS region,
    cast(quantity AS bigint) AS quantity,
    cast(amount AS double) AS amount,
    processed_at
FROM raw
"""
PANDAS = '''"""Clean with pandas."""

from datetime import UTC, datetime


def transform_data(data):
    frame = data["data"].to_pandas().drop_duplicates()
    frame["processed_at"] = datetime.now(UTC)
    return {"data": frame, "metadata": data["metadata"]}
'''


def main() -> None:
    """Measure all ways at each size, or be one of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, once")
    parser.add_argument("--way", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        way, path = chosen.way
        started = time.perf_counter()
        WAYS[way](Path(path))
        print(json.dumps({"steps": time.perf_counter() - started}))
        return
    sizes = [0.2] if chosen.quick else chosen.millions
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        for millions in sizes:
            compare(Path(folder), int(millions * 1e6), 1 if chosen.quick else chosen.repeat)


def compare(folder: Path, rows: int, repeat: int) -> None:
    """Measure all ways on a file of so many rows."""
    import duckdb

    say(f"From file to modelled table, {rows:,} rows")
    top = folder / str(rows)
    top.mkdir()
    source = top / "sales.csv"
    duckdb.execute(CSV.format(rows=rows, path=source))
    project = make_project(top, source)

    def other(way: str) -> Cost:
        place = Path(tempfile.mkdtemp(dir=top))
        return measure(
            [sys.executable, Path(__file__), "--way", way, source], place, timeout=TIMEOUT
        )

    ways = {
        "plain SQL, the limit": lambda: other("sql"),
        "ours": lambda: run_ours(project, "sales"),
        "ours with pandas": lambda: run_ours(project, "sales_pandas"),
        "Arrow and dlt": lambda: other("arrow_dlt"),
    }
    costs = in_turn(ways, repeat)
    if rows * BYTES_PER_DICT < psutil.virtual_memory().available:
        costs["dicts through pickles, plain Dagster"] = [other("dicts")]
    else:
        say("  dicts through pickles: left out, there is not memory enough")
    limit = costs["plain SQL, the limit"]
    for way, found in costs.items():
        goal = {"ours": 1.15, "ours with pandas": 1.5}.get(way)
        report(f"{rows:,} rows, {way}", rows, found, limit, goal)
    if rows <= 1_000_000:
        # Its speed does not depend on how many rows come.
        seconds = steps(other("dicts_dlt"))
        speed = f"{DLT_DICT_ROWS / seconds:,.0f} rows/s"
        times = DLT_DICT_ROWS / seconds / (rows / min(map(steps, limit)))
        record(
            Result(
                PART, f"{DLT_DICT_ROWS:,} rows, dicts and dlt: steps", speed, f"{1 / times:.0f}x"
            )
        )


def report(name: str, rows: int, costs: list[Cost], limit: list[Cost], goal: float | None) -> None:
    """Three rows: time of the steps, of the whole command, and memory."""
    best = min(map(steps, costs))
    time_ratio = ratio([Cost(steps(c), 0) for c in costs], [Cost(steps(c), 0) for c in limit])
    memory_ratio = ratio(costs, limit, "memory")
    memory_goal = None if goal is None else 1.5

    def row(what: str, value: str, times: float, limit_of: float | None) -> Result:
        goal_text = "" if limit_of is None else f"{limit_of:g}x"
        met = None if limit_of is None else round(times, 2) <= limit_of
        return Result(PART, f"{name}: {what}", value, f"{times:.2f}x", goal_text, met)

    record(
        row("steps", f"{best:.1f} s, {rows / best:,.0f} rows/s", time_ratio, goal),
        row("command", f"{least(costs).wall:.1f} s", ratio(costs, limit), None),
        row("command, CPU", f"{least(costs).cpu:.1f} s", ratio(costs, limit, "cpu"), None),
        row("memory", f"{least(costs).memory / 2**20:,.0f} MiB", memory_ratio, memory_goal),
    )


def steps(cost: Cost) -> float:
    """Seconds from opening the file to the finished mart."""
    told = json.loads(cost.output[cost.output.index("{") :])
    if isinstance(told["steps"], float):
        return told["steps"]
    seconds = {step["name"]: step["seconds"] for step in told["steps"]}
    return float(sum(seconds[name] for name in ("extract", "transform", "load", "model")))


def make_project(folder: Path, source: Path) -> Path:
    """A project with the rendered workflow, and a copy of it that cleans with pandas."""
    project = folder / "project"
    measure([BIN / "dataflow", "init", project, "--defaults"], folder, timeout=TIMEOUT)
    for name in ("sales", "sales_pandas"):
        new = [BIN / "dataflow", "workflow", "new", name, "--defaults", "--source", source]
        measure(new, project, timeout=TIMEOUT)
    code = project / "src" / "dataflow" / "workflows" / "sales_pandas" / "transform.py"
    code.write_text(PANDAS)
    return project


def run_ours(project: Path, name: str) -> Cost:
    """`dataflow workflow run`, which says how long each step took."""
    command = [BIN / "dataflow", "workflow", "run", name, "--json"]
    return measure(command, project, timeout=TIMEOUT)


def by_sql(source: Path) -> None:
    """What DuckDB does with nothing around it."""
    import duckdb

    with duckdb.connect("warehouse.duckdb") as connection:
        connection.execute(
            f"CREATE TABLE raw AS SELECT DISTINCT *, now() AS processed_at FROM '{source}'"
        )
        connection.execute(MART)


def by_arrow_dlt(source: Path) -> None:
    """The fastest way into dlt's pipeline."""
    import dlt
    import pyarrow as pa
    import pyarrow.csv

    table = pyarrow.csv.read_csv(source)
    table = table.group_by(table.column_names, use_threads=True).aggregate([])
    now = pa.scalar(datetime.now(UTC), type=pa.timestamp("us", tz="UTC"))
    _dlt(table.append_column("processed_at", pa.repeat(now, table.num_rows)), dlt)


def by_dicts_dlt(source: Path) -> None:
    """What a first script for dlt does."""
    import dlt

    _dlt(_stamped(_read_dicts(source)[:DLT_DICT_ROWS]), dlt)


def _dlt(data: Any, dlt: Any) -> None:
    pipeline = dlt.pipeline(
        "sales",
        pipelines_dir="pipelines",
        destination=dlt.destinations.duckdb("warehouse.duckdb"),
        dataset_name="main",
    )
    pipeline.run(data, table_name="raw", write_disposition="replace")
    with pipeline.sql_client() as client:
        client.execute_sql(MART)


def by_dicts(source: Path) -> None:
    """A Dagster job as a first attempt writes it: every op returns the rows."""
    import duckdb
    import pandas as pd
    from dagster import DagsterInstance, fs_io_manager, job, op

    @op
    def extract() -> list[dict[str, Any]]:
        return _read_dicts(source)

    @op
    def transform(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _stamped(rows)

    @op
    def load(rows: list[dict[str, Any]]) -> int:
        frame = pd.DataFrame(rows)
        with duckdb.connect("warehouse.duckdb") as connection:
            connection.register("frame", frame)
            connection.execute("CREATE OR REPLACE TABLE raw AS FROM frame")
        return len(frame)

    @op
    def model(loaded: int) -> int:
        with duckdb.connect("warehouse.duckdb") as connection:
            connection.execute(MART)
        return loaded

    @job(resource_defs={"io_manager": fs_io_manager})
    def naive() -> None:
        model(load(transform(extract())))

    with DagsterInstance.local_temp() as instance:
        assert naive.execute_in_process(instance=instance).success


def _read_dicts(source: Path) -> list[dict[str, Any]]:
    kinds: dict[str, Any] = {
        "id": int,
        "created_at": datetime.fromisoformat,
        "quantity": int,
        "amount": float,
    }
    with source.open(newline="") as file:
        return [
            {name: kinds.get(name, str)(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _stamped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen, kept, now = set(), [], datetime.now(UTC)
    for row in rows:
        key = tuple(row.values())
        if key not in seen:
            seen.add(key)
            kept.append({**row, "processed_at": now})
    return kept


WAYS = {
    "sql": by_sql,
    "arrow_dlt": by_arrow_dlt,
    "dicts_dlt": by_dicts_dlt,
    "dicts": by_dicts,
}

if __name__ == "__main__":
    main()
