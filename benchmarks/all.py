"""Run every benchmark and write what they found to benchmarks/RESULTS.md, as one table.

What is worse than in benchmarks/figures.json, as a ratio and by more than a third, is measured a
second time; if it is worse again the exit code is 1, and nothing is written. `--accept` takes the
new figures nevertheless, and writes those of a quick run or of a part, too.

make bench
make bench BENCH_ARGS=--quick                   # small sizes, once each, without what needs minutes
make bench BENCH_ARGS='--only pipeline commands'
make bench BENCH_ARGS='--quick --accept'
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
from figures import FILE, better_of, compare, read_figures, write_figures
from measuring import ROWS_VARIABLE, Result

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "RESULTS.md"
# Arguments of the full and of the quick way, and the seconds that the full way may take. Without
# quick arguments one is left out of the quick way: it would take minutes at any size.
BENCHMARKS: dict[str, tuple[list[str], list[str] | None, float]] = {
    "pipeline": ([], ["--quick"], 1800),
    "atomic_runs": (["--millions", "5", "--repeat", "2"], None, 2400),
    "commands": (["--repeat", "3"], ["--quick"], 900),
    "api": ([], ["--quick"], 600),
    "databases": ([], ["--quick"], 600),
    "warm": ([], ["--quick"], 600),
    "service_load": (
        ["--partitions", "10", "--runs", "100", "--history", "0"],
        None,
        2400,
    ),
    "growth": ([], ["--quick", "--only", "rows"], 900),
    "location": (
        ["--workflows", "1000", "--repeat", "1"],
        ["--workflows", "20", "--repeat", "1"],
        600,
    ),
    "update": (
        ["--fleet", "200", "--sample", "2", "--growth", "1000"],
        ["--fleet", "5", "--sample", "1", "--growth", "10"],
        600,
    ),
    "campaign": (["--repositories", "10", "--repeat", "2"], None, 600),
    "dashboards": (["--repeat", "3"], None, 900),
    "dashboard_visits": (["--rows", "1000000"], None, 900),
}
PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow", "pandas", "dlt", "copier")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> int:
    """Run them one after another; the exit code is 1 if one could not be run or got worse."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, once each")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), default=list(BENCHMARKS))
    parser.add_argument("--accept", action="store_true", help="these are the figures from now on")
    chosen = parser.parse_args()
    began = time.monotonic()
    kind = "quick" if chosen.quick else "full"
    left_out = [name for name in chosen.only if chosen.quick and BENCHMARKS[name][1] is None]
    if left_out:
        print(f"Not in a quick run: {', '.join(left_out)}.", flush=True)
    names = [name for name in chosen.only if name not in left_out]
    results, failed = run_all(names, kind)
    committed = read_figures(kind)
    compared = compare(committed, results)
    if compared.worse and not chosen.accept:
        print("\nOnce more, what is worse:", *compared.lines(), sep="\n", flush=True)
        results = better_of(results, run_all(list(compared.worse), kind)[0])
        compared = compare(committed, results)
    table = render(results, failed)
    minutes = (time.monotonic() - began) / 60
    print(f"\n{table}\n\nAll of it took {minutes:.0f} minutes.", *compared.lines(), sep="\n")
    is_whole = chosen.only == list(BENCHMARKS) and not chosen.quick
    if (chosen.accept or (is_whole and not compared.worse)) and not failed:
        write_figures(kind, results)
        print(f"The figures are in {FILE.name}.")
    if is_whole and (chosen.accept or not compared.worse):
        write_results(table)
        print(f"The table is in {RESULTS.name}.")
    return 1 if failed or (compared.worse and not chosen.accept) else 0


def run_all(names: list[str], kind: str) -> tuple[list[Result], list[str]]:
    """The rows of benchmarks, and the names of those that did not go through."""
    failed = []
    results: list[Result] = []
    for name in names:
        full, quick, seconds = BENCHMARKS[name]
        print(f"== {name}", flush=True)
        began, before = time.monotonic(), os.times()
        with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
            rows = Path(folder) / "rows.jsonl"
            rows.touch()
            if not run(name, quick or [] if kind == "quick" else full, seconds, rows):
                failed.append(name)
            lines = rows.read_text("utf-8").splitlines()
        # By the name with which it can be run again.
        results += [Result(**{**json.loads(line), "part": name}) for line in lines]
        after = os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        print(f"== {name}: {time.monotonic() - began:.0f} s, {cpu:.0f} s CPU", flush=True)
    return results, failed


def write_results(table: str, path: Path = RESULTS) -> None:
    """Put the table in the place of the last one; what people wrote below it stays."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"# Figures\n\n{BEGIN}\n{END}\n"
    above, _, rest = text.partition(BEGIN)
    below = rest.partition(END)[2]
    path.write_text(f"{above}{BEGIN}\n{table}\n{END}{below}", encoding="utf-8")


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
