"""What reading a table of Postgres costs beside DuckDB's own extension, both into a Parquet file.

Usage: python benchmarks/databases.py [--rows N] [--repeat N] [--server postgresql://...]

Without ``--server`` a Postgres is started in a folder of its own, which takes Debian's package.
The ways take turns, each in a process of its own, and the CPU is that process's: the server works
as much for each of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from measuring import Cost, Result, in_turn, least, measure, ratio, record

# A table as there are many: keys, texts, money, times, and a number without a scale.
_MAKE = """
DROP TABLE IF EXISTS bench;
CREATE TABLE bench AS SELECT
    n::int8 AS id, 'customer ' || n % 5000 AS customer, (n % 9973 / 100.0)::numeric(12,2) AS amount,
    (n % 7)::int4 AS quantity, DATE '2020-01-01' + (n % 900)::int AS day,
    TIMESTAMPTZ '2024-01-01' + n * interval '1 second' AS changed_at, n / 3.0::float8 AS share,
    n % 5 = 0 AS is_open
FROM generate_series(1, {rows}) n;
ANALYZE bench;
"""
_OURS = """
import sys
from pathlib import Path
from dataflow.shared.tables import write_parquet
from dataflow.sources.kept_rows import rows_kept_in
from dataflow.sources.read import read_source
from dataflow.sources.database import postgres_bulk
if sys.argv[3] == "rows":
    postgres_bulk.FEWEST_ROWS = float("inf")
source = {"type": "database", "url": sys.argv[1], "table": "bench"}
# As the step of a run does it.
with rows_kept_in(Path(sys.argv[2]).parent / "read") as folder:
    rows = read_source(source, {"timeout_seconds": 600})["data"]
    path = getattr(rows, "path", None)
    path.replace(sys.argv[2]) if path else write_parquet(rows, Path(sys.argv[2]))
"""
_EXTENSION = """
import sys, duckdb
from dataflow.shared.duckdb_extensions import load_extensions
with duckdb.connect() as connection:
    load_extensions(connection, ["postgres_scanner"], "database")
    connection.execute(f"ATTACH '{sys.argv[1]}' AS source (TYPE postgres, READ_ONLY)")
    connection.execute(f"COPY source.bench TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)")
"""
_NOTHING = "import dataflow.sources.database.reader, pyarrow, duckdb, sqlalchemy, psycopg"


def main() -> None:
    """Measure all ways in turn, and print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--server", default="")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    rows, repeat = (200_000, 1) if asked.quick else (asked.rows, asked.repeat)
    with ExitStack() as cleanup:
        url = asked.server or cleanup.enter_context(own_server())
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_MAKE.format(rows=rows).encode())
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        ways = {
            "extension": partial(read, folder, _EXTENSION, url, ""),
            "bulk": partial(read, folder, _OURS, url, "bulk"),
            "rows": partial(read, folder, _OURS, url, "rows"),
        }
        if not asked.quick:
            # It takes minutes, and says the same with fewer rows.
            del ways["rows"]
        costs = in_turn(ways, repeat)
        start = least([read(folder, _NOTHING, url, "")]).cpu
    show(costs, rows, start)


def own_server() -> AbstractContextManager[str]:
    """A Postgres of this benchmark's own, as the tests have one; its URL."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.database_fixtures import initdb_path, postgres_server

    found = initdb_path()
    if found is None:
        sys.exit("No Postgres is installed here: give --server.")
    return postgres_server(found)


def read(folder: Path, work: str, url: str, way: str) -> Cost:
    """Read the table into a file, in a process of its own."""
    command = [sys.executable, "-c", work, url, str(folder / "rows.parquet"), way]
    return measure(command, folder, timeout=1200)


def show(costs: dict[str, list[Cost]], rows: int, start: float) -> None:
    """Print what the ways cost; the goal is about the work, which start-up is not."""
    for way, of_way in costs.items():
        cost, times = least(of_way), ratio(of_way, costs["extension"], "cpu")
        memory = ratio(of_way, costs["extension"], "memory")
        said = f"{cost.cpu:.2f} s CPU, {cost.memory / 2**20:.0f} MiB"
        goal, met = ("1.3x", times <= 1.3) if way == "bulk" else ("", None)
        name = {"bulk": "this library", "rows": "this library, row by row"}.get(way, way)
        what = f"{rows:,} rows of Postgres to Parquet, {name}"
        record(Result("databases", what, said, f"{times:.2f}x", goal, met))
        record(Result("databases", f"{what}: wall", f"{cost.wall:.2f} s", f"{memory:.1f}x memory"))
    record(Result("databases", "  of which start-up of this library", f"{start:.2f} s CPU"))


if __name__ == "__main__":
    main()
