"""What a DuckLake costs beside a DuckDB file: loads of a million rows, and reading them.

Usage: python benchmarks/lake.py [--rows N] [--pairs N] [--catalog postgresql://...] [--data FOLDER]

Without ``--catalog`` the lake's catalog is a file. Both kinds do the same in turn, in one process
each time anew, and the ratio is that of the medians of their CPU; that of the database's server
counts where it runs on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import Result, record

_WORK = """
import json, os, sys, time
from pathlib import Path
from dataflow.shared.project import Project
from dataflow.warehouse.kind import KeepPolicy, LoadRequest, visible_warehouse

root, rows, few = map(Path, sys.argv[1:])


def server():
    address = os.environ.get("BENCH_CATALOG")
    if not address:
        return 0.0
    import psutil, psycopg
    with psycopg.connect(address) as connection:
        own = psutil.Process(connection.info.backend_pid)
        times = [own.parent().cpu_times()]
        total = times[0].children_user + times[0].children_system
        for each in own.parent().children():
            used = each.cpu_times()
            total += used.user + used.system
        return total + times[0].user + times[0].system


def timed(work):
    before, there = time.process_time(), server()
    work()
    return time.process_time() - before + server() - there


def run(run_id, parquet, disposition, key=()):
    warehouse = visible_warehouse(Project(root), "sales")
    warehouse.begin(run_id).load(parquet, LoadRequest("t", disposition, primary_key=key))
    warehouse.promote(run_id, KeepPolicy(2, 10.0))


def read():
    with visible_warehouse(Project(root), "sales").connect(read_only=True) as connection:
        connection.execute(
            "SELECT c, count(*), sum(amount), max(name) FROM raw.t GROUP BY c ORDER BY c"
        ).fetchall()


number = time.time_ns()
print(json.dumps({
    "replace with all rows": timed(lambda: run(f"a{number}", rows, "replace")),
    "append of 10,000 rows": timed(lambda: run(f"b{number}", few, "append")),
    "merge of 10,000 rows": timed(lambda: run(f"c{number}", few, "merge", ["id"])),
    "an aggregate of all rows": timed(read),
}))
"""


def main() -> None:
    """Measure pairs, and print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--catalog", default="")
    parser.add_argument("--data", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [folder / "rows.parquet", folder / "few.parquet"]
        for file, rows in zip(files, (asked.rows, 10_000), strict=True):
            make_rows(file, rows)
        lake: dict[str, str] = {"type": "ducklake"}
        lake |= {"catalog": asked.catalog} if asked.catalog else {}
        lake |= {"data": asked.data} if asked.data else {}
        found: dict[str, dict[str, list[float]]] = {}
        for _ in range(asked.pairs):
            for kind, setting in (("file", {"type": "duckdb"}), ("lake", lake)):
                said = work(folder / kind, setting, files, asked.catalog)
                for what, seconds in said.items():
                    found.setdefault(what, {}).setdefault(kind, []).append(seconds)
    for what, kinds in found.items():
        file_cpu, lake_cpu = (statistics.median(kinds[kind]) for kind in ("file", "lake"))
        ratio = f"{lake_cpu / file_cpu:.1f}x"
        said_of = f"{file_cpu:.2f} s, lake {lake_cpu:.2f} s"
        record(Result("lake", f"{what}, CPU", said_of, ratio))


def make_rows(file: Path, rows: int) -> None:
    """Rows of eight columns."""
    import duckdb

    duckdb.execute(
        "COPY (SELECT i AS id, 'name ' || i AS name, i % 100 AS c, (i % 9973) / 100 AS amount, "
        "DATE '2020-01-01' + (i % 900)::INT AS day, i % 7 = 0 AS flag, hash(i) % 1000 AS h, "
        f"'text ' || (i % 5000) AS t FROM range({rows}) r(i)) TO '{file}' (FORMAT parquet)"
    )


def work(root: Path, setting: dict[str, Any], files: list[Path], catalog: str) -> dict[str, float]:
    """Do it all once, in a process of its own; the CPU seconds of each part."""
    root.mkdir(exist_ok=True)
    pairs = ", ".join(f"{key} = {json.dumps(value)}" for key, value in setting.items())
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\nwarehouse = {{{pairs}}}\n")
    command = [sys.executable, "-c", _WORK, str(root), *map(str, files)]
    is_lake = setting["type"] == "ducklake"
    environment = {**os.environ, "BENCH_CATALOG": catalog if is_lake else ""}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    # Before it DuckDB may have drawn how far it is.
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
