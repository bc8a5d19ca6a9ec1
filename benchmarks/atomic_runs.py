"""What it costs that a run's tables are seen all at once: time and disk.

The workflow is the one of pipeline.py, with dbt and publishing. It runs with `all_or_nothing` on
and off, in turn, on a warehouse that has the rows already:

- all rows again: `replace` of the whole table.
- few rows: a thousand rows are merged into the warehouse, which is copied whole for them; the worst
  case.

"Command" is the whole process, disk what lies beside the warehouse file. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/atomic_runs.py [--millions 5 20] [--repeat 3] [--quick]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from measuring import BIN, Cost, Result, in_turn, least, measure, ratio, record, say
from sales_data import CSV

PART = "atomic runs"
FEW = 1_000
GIGABYTE = 1e9
TIMEOUT = 900.0


def main() -> None:
    """Measure at each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[5, 20])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, once")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        for millions in [0.2] if chosen.quick else chosen.millions:
            compare(Path(folder), int(millions * 1e6), 1 if chosen.quick else chosen.repeat)


def compare(folder: Path, rows: int, repeat: int) -> None:
    """Measure runs with and without on a warehouse of so many rows."""
    import duckdb

    say(f"All or nothing, {rows:,} rows")
    top = folder / str(rows)
    top.mkdir()
    source = top / "sales.csv"
    duckdb.execute(CSV.format(rows=rows, path=source))
    project = top / "project"
    dataflow(top, "init", project, "--defaults")
    dataflow(project, "workflow", "new", "sales", "--defaults", "--source", source)
    # No run before is to be found by the next one, and nothing kept to be removed by it.
    shutil.rmtree(project / "data", ignore_errors=True)
    dataflow(project, "workflow", "run", "sales")
    report(project, f"{rows:,} rows again", repeat)
    duckdb.execute(CSV.format(rows=FEW, path=source))
    config = project / "src" / "dataflow" / "workflows" / "sales" / "config.yaml"
    text = config.read_text().replace("write_disposition: replace", "write_disposition: merge")
    if "primary_key: []" in text:
        text = text.replace("primary_key: []", "primary_key: [id]")
    config.write_text(text)
    report(project, f"{FEW:,} rows into {rows:,}", repeat)


def report(project: Path, name: str, repeat: int) -> None:
    """The rows of one kind of run."""

    def run(is_on: bool) -> Cost:
        environment = {"DATAFLOW_ALL_OR_NOTHING": str(is_on).lower()}
        return dataflow(project, "workflow", "run", "sales", environment=environment)

    costs = in_turn({"off": lambda: run(False), "on": lambda: run(True)}, repeat)
    on, off = costs["on"], costs["off"]
    file = project / "data" / "sales.duckdb"
    kept = sum(path.stat().st_size for path in file.parent.glob(".runs/sales/kept/*/*.duckdb"))
    more = least(on).wall - least(off).wall
    size = file.stat().st_size / GIGABYTE
    record(
        Result(PART, f"{name}: command", f"{least(on).wall:.1f} s", f"{ratio(on, off):.2f}x"),
        Result(
            PART, f"{name}: command, CPU", f"{least(on).cpu:.1f} s", f"{ratio(on, off, 'cpu'):.2f}x"
        ),
        Result(PART, f"{name}: more, for a file of {size:.2f} GB", f"{more:.2f} s"),
        Result(
            PART, f"{name}: kept states", f"{kept / GIGABYTE:.2f} GB", f"{kept / 1e9 / size:.1f}x"
        ),
    )


def dataflow(
    folder: Path, *arguments: str | Path, environment: dict[str, str] | None = None
) -> Cost:
    """Run a command of ours."""
    return measure([BIN / "dataflow", *arguments], folder, timeout=TIMEOUT, environment=environment)


if __name__ == "__main__":
    main()
