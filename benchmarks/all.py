"""Run every benchmark and write what they found to benchmarks/RESULTS.md, as one table.

make bench
make bench BENCH_ARGS=--quick                   # small sizes, once each: does it all work?
make bench BENCH_ARGS='--only pipeline commands'
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from measuring import ROWS_VARIABLE, Result

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "RESULTS.md"
# Arguments of the full and of the quick way, and the seconds that the full way may take.
BENCHMARKS: dict[str, tuple[list[str], list[str], float]] = {
    "pipeline": ([], ["--quick"], 1800),
    "atomic_runs": ([], ["--quick"], 2400),
    "commands": ([], ["--quick"], 900),
    "databases": ([], ["--quick"], 600),
    "warm": ([], ["--repeat", "1"], 600),
    "service_load": ([], ["--partitions", "3", "--runs", "10", "--history", "20"], 2400),
    "location": (
        ["--workflows", "1", "100", "1000", "--repeat", "1"],
        ["--workflows", "1", "20", "--repeat", "1"],
        600,
    ),
    "update": (
        ["--fleet", "200", "--sample", "3", "--growth", "1000"],
        ["--fleet", "5", "--sample", "1", "--growth", "10"],
        600,
    ),
    "campaign": ([], ["--repositories", "5", "--repeat", "1"], 600),
    "dashboards": (["--repeat", "3"], ["--rows", "100000", "--repeat", "1"], 900),
    "dashboard_visits": ([], ["--rows", "100000", "--repeat", "1"], 1200),
}
PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow", "pandas", "dlt", "copier")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> int:
    """Run them one after another; the exit code is 1 if one could not be run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, once each; no file")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), default=list(BENCHMARKS))
    chosen = parser.parse_args()
    failed = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        rows = Path(folder) / "rows.jsonl"
        rows.touch()
        for name in chosen.only:
            full, quick, seconds = BENCHMARKS[name]
            print(f"== {name}", flush=True)
            if not run(name, quick if chosen.quick else full, seconds, rows):
                failed.append(name)
        results = [Result(**json.loads(line)) for line in rows.read_text("utf-8").splitlines()]
    table = render(results, failed)
    print(f"\n{table}\n\nAll of it took {(time.monotonic() - began) / 60:.0f} minutes.")
    if not chosen.quick and chosen.only == list(BENCHMARKS):
        RESULTS.write_text(f"# Figures\n\n{BEGIN}\n{table}\n{END}\n", encoding="utf-8")
        print(f"Written to {RESULTS.relative_to(Path.cwd())}.")
    return 1 if failed else 0


def run(name: str, arguments: list[str], seconds: float, rows: Path) -> bool:
    """Run one benchmark; say whether it went through."""
    command = [sys.executable, str(FOLDER / f"{name}.py"), *arguments]
    with subprocess.Popen(command, env={**os.environ, ROWS_VARIABLE: str(rows)}) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
    print(f"{name} took longer than {seconds:.0f} s and was stopped", flush=True)
    return False


def render(results: list[Result], failed: list[str]) -> str:
    """The table, under a line about the machine."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    machine = f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, Python {platform.python_version()}; {versions}.",
        "",
        "| | Measured | Ratio | Goal | |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in results:
        state = "" if row.met is None else ("met" if row.met else "**missed**")
        lines.append(f"| {row.what} | {row.value} | {row.ratio} | {row.goal} | {state} |")
    lines += [f"| {name}: could not be measured | | | | |" for name in failed]
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, as Linux tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
