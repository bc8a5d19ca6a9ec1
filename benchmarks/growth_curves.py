"""What each curve of `growth.py` measures, at one size after the other."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import location
import update
from commands import BIN, DATAFLOW, TIMEOUT, make_project, service
from growth_history import grow_history
from measuring import Cost, measure, say
from service_load import ask
from warm import cpu_of_children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CPU, MEMORY = "s CPU", "MiB"
SALES = """
COPY (
    SELECT
        range AS id,
        TIMESTAMP '2020-01-01' + INTERVAL (range * 37 % 94608000) SECOND AS created_at,
        'customer ' || range * 7919 % 50000 AS customer,
        ['north', 'south', 'east', 'west'][range % 4 + 1] AS region,
        (range * 37 % 60000) / 4 AS amount
    FROM range({rows})
) TO '{path}' (HEADER)
"""
# Enough that a run has something to do, so few that only the columns count.
_ROWS_OF_WIDE = 2_000
_FORGOTTEN = 100
_FORGET = """
import os, time
from dataflow.runs.instance import open_instance
from dataflow.runs.retention import forget_old_runs
from dataflow.shared.project import find_project
project = find_project()
with open_instance(project) as instance:
    instance.get_runs(limit=1)
    began = time.process_time()
    assert len(forget_old_runs(project, instance)) == int(os.environ["FORGOTTEN"])
    print("seconds", time.process_time() - began)
"""


@dataclass(frozen=True)
class Point:
    """One measurement: of which line, in what, at which size, and how much."""

    line: str
    unit: str
    size: int
    value: float


@dataclass(frozen=True)
class Curve:
    """Something that grows.

    Args:
        over: What it is counted in.
        sizes: At which sizes it is measured; at least three.
        quick: The same of a quick run.
        points: Measures in a folder at some sizes.
    """

    over: str
    sizes: Sequence[int]
    quick: Sequence[int]
    points: Callable[[Path, Sequence[int]], Iterator[Point]]


def rows(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """A run of a file with dbt and publishing: CPU, and the most memory of all its processes."""
    import duckdb

    source = folder / "rows.csv"
    duckdb.execute(SALES.format(rows=min(sizes), path=source))
    project = _project(folder, source)
    _run(project)
    for size in sizes:
        duckdb.execute(SALES.format(rows=size, path=source))
        cost = _run(project)
        yield Point("a run", CPU, size, cost.cpu)
        yield Point("memory of a run", MEMORY, size, cost.memory / 2**20)
    source.unlink()


def columns(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """A run of a file with dbt and publishing, and looking at it for a new workflow."""
    for size in sizes:
        top = folder / str(size)
        top.mkdir()
        source = top / "rows.csv"
        with source.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", *(f"column_{number}" for number in range(1, size))])
            writer.writerows(
                [row, *(row * number % 9973 for number in range(1, size))]
                for row in range(_ROWS_OF_WIDE)
            )
        project = top / "project"
        measure([DATAFLOW, "init", project, "--defaults"], top, timeout=TIMEOUT)
        new = [DATAFLOW, "workflow", "new", "flow", "--defaults", "--source", source]
        yield Point("workflow new --source", CPU, size, measure(new, project, timeout=900).cpu)
        _run(project)
        yield Point("a run", CPU, size, _run(project).cpu)


def models(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """A run of so many models of dbt, none of which is new."""
    source = folder / "rows.csv"
    source.write_text("id,amount\n1,2.5\n2,3.5\n")
    project = _project(folder, source)
    marts = project / "src" / "dataflow" / "workflows" / "flow" / "dbt" / "models" / "marts"
    for size in sizes:
        for number in range(size - 2):
            model = marts / f"mart_{number}.sql"
            of = "{{ ref('stg_flow') }}"
            model.write_text(f"select id, amount * {number} as amount from {of}\n")
        _run(project)
        yield Point("a run", CPU, size, _run(project).cpu)


def workflows(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """Listing them, loading them into Dagster and planning an update of all."""
    (folder / "template").mkdir()
    update.make_template(folder / "template")
    for size in sizes:
        project = folder / f"fleet-{size}"
        update.make_project(project, folder / "template", size)
        seconds, kib = location.measure("dataflow.runs.code_location", project)
        yield Point("loading into Dagster", CPU, size, seconds)
        yield Point("memory of Dagster's code location", MEMORY, size, kib / 1024)
        plan = [sys.executable, "-c", update.COMMAND, "--all", "--to", "v1.1.0", "--plan"]
        planned = update.measure(plan, project, accept=(0, 1))
        yield Point("planning an update", CPU, size, planned.cpu)
        listed = measure([DATAFLOW, "workflow", "list"], project, timeout=TIMEOUT)
        yield Point("workflow list", CPU, size, listed.cpu)
        shutil.rmtree(project)


def history(folder: Path, sizes: Sequence[int]) -> Iterator[Point]:
    """What is done again and again where a project's history is long."""
    project = make_project(folder, many=False)
    run = [DATAFLOW, "workflow", "run", "plain"]
    measure(run, project, timeout=TIMEOUT)
    for size in sizes:
        say(f"growth: a history of {size:,} runs")
        grow_history(project, size)
        runs = [measure(run, project, timeout=TIMEOUT).cpu for _ in range(2)]
        yield Point("a run", CPU, size, min(runs))
        with service(project) as url:
            yield Point("first /metrics", CPU, size, _asked(url, "/metrics"))
            ask(f"{url}/api/v1/runs?limit=50")
            yield Point("REST, 50 runs", CPU, size, _asked(url, "/api/v1/runs?limit=50"))
            of_workflow = "/api/v1/runs?workflow_id=plain&limit=50"
            yield Point("REST, runs of a workflow", CPU, size, _asked(url, of_workflow))
        total = grow_history(project, size + 2)
        environment = {
            "DATAFLOW_HISTORY_RUNS": str(total - _FORGOTTEN),
            "FORGOTTEN": str(_FORGOTTEN),
        }
        forget = [BIN / "python", "-c", _FORGET]
        told = measure(forget, project, timeout=900, environment=environment).output
        seconds = float(told.rpartition("seconds")[2])
        yield Point(f"forgetting {_FORGOTTEN} runs", CPU, size, seconds)


def _project(folder: Path, source: Path) -> Path:
    project = folder / "project"
    measure([DATAFLOW, "init", project, "--defaults"], folder, timeout=TIMEOUT)
    new = [DATAFLOW, "workflow", "new", "flow", "--defaults", "--source", source]
    measure(new, project, timeout=TIMEOUT)
    return project


def _run(project: Path) -> Cost:
    command = [DATAFLOW, "workflow", "run", "flow", "--json"]
    cost = measure(command, project, timeout=3600, environment=COLD)
    assert json.loads(cost.output[cost.output.index("{") :])["success"]
    return cost


def _asked(url: str, path: str) -> float:
    """CPU of all processes of a service until the answer."""
    time.sleep(1)
    before = cpu_of_children()
    ask(f"{url}{path}")
    return cpu_of_children() - before


# So that no run is served by a process that another one has warmed.
COLD = {"DATAFLOW_DAEMON": "0"}

CURVES = {
    "rows": Curve("rows", (100_000, 1_000_000, 10_000_000), (10_000, 100_000, 400_000), rows),
    "workflows": Curve("workflows", (10, 100, 1_000), (5, 20, 60), workflows),
    "columns": Curve("columns", (20, 60, 200, 600), (10, 30, 90), columns),
    "models": Curve("models", (5, 15, 50, 150), (4, 8, 16), models),
    "history": Curve("runs in the history", (1_000, 10_000, 100_000), (200, 600, 2_000), history),
}
