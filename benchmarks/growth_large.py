"""A file larger than memory may be: what a run of it takes, and what each of its steps holds."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from commands import DATAFLOW, TIMEOUT
from measuring import Result, measure, record, say

PART = "growth"
# What all processes of the run may hold together, and what of it DuckDB may take: the rest is for
# Python, dbt and what DuckDB does not count.
MEMORY = 2 * 2**30
MEMORY_LIMIT = "1GB"
# Each row is some 200 bytes in 20 columns: texts with few and with many values, numbers, times.
WIDE = """
COPY (
    SELECT
        range AS id,
        TIMESTAMP '2020-01-01' + INTERVAL (range * 37 % 94608000) SECOND AS created_at,
        DATE '2020-01-01' + (range * 31 % 1500)::int AS day,
        'customer ' || range * 7919 % 5000000 AS customer,
        md5(range::varchar) AS reference,
        ['north', 'south', 'east', 'west'][range % 4 + 1] AS region,
        ['new', 'paid', 'sent', 'returned', 'closed'][range % 5 + 1] AS status,
        range % 12 + 1 AS quantity,
        (range * 37 % 60000) / 4 AS amount,
        {more}
    FROM range({rows})
) TO '{path}' (HEADER)
"""
_MORE = ", ".join(f"range * {1_000_003 + at} % 99999989 AS measure_{at}" for at in range(11))


def run_large(rows: int) -> None:
    """Make the file, run it under the limit, and record the most memory that was held."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        top = Path(folder)
        source = top / "rows.csv"
        # The rows that `workflow new` looks at are of the same kind; it would read the whole file.
        duckdb.execute(WIDE.format(rows=min(rows, 100_000), path=source, more=_MORE))
        project = top / "project"
        measure([DATAFLOW, "init", project, "--defaults"], top, timeout=TIMEOUT)
        new = [DATAFLOW, "workflow", "new", "flow", "--defaults", "--source", source]
        measure(new, project, timeout=TIMEOUT)
        settings = project / "pyproject.toml"
        limited = f'[tool.dataflow]\nmemory_limit = "{MEMORY_LIMIT}"'
        settings.write_text(settings.read_text().replace("[tool.dataflow]", limited, 1))
        assert limited in settings.read_text()
        duckdb.execute(WIDE.format(rows=rows, path=source, more=_MORE))
        size = source.stat().st_size
        say(f"growth: a run of {rows:,} rows, {size / 1e9:.1f} GB, memory_limit {MEMORY_LIMIT}")
        run = [DATAFLOW, "workflow", "run", "flow", "--json"]
        cost = measure(run, project, timeout=4 * 3600, environment={"DATAFLOW_DAEMON": "0"})
        for step in json.loads(cost.output[cost.output.index("{") :])["steps"]:
            say(f"  {step['name']:<12} {step['seconds']:8.1f} s  {step['summary']}")
        what = f"{rows:,} rows, {size / 1e9:.1f} GB of CSV, memory_limit {MEMORY_LIMIT}: memory"
        value = f"{cost.memory / 2**20:,.0f} MiB, {cost.cpu:.0f} s CPU, {cost.wall:.0f} s"
        record(Result(PART, what, value, "", "2 GiB", cost.memory <= MEMORY))
        shutil.rmtree(project)
