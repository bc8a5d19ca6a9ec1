"""What a running `dataflow up` bears, over REST, with nothing that fails.

Fifty partitions of a workflow with dbt backfilled while ten other workflows run again and again;
five hundred runs in a row, and the memory of each process after the fiftieth and after the last;
and how long lists take with a long history. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/service_load.py [--partitions 50] [--plain] [--runs 500]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from commands import BIN, DATAFLOW, TIMEOUT, make_project, service
from measuring import Result, measure, record, say
from warm import cpu_of_children

PART = "service_load"
OTHERS = 10
# Of each of them, so that a machine of two cores has some left for the partitions.
SECONDS_BETWEEN_RUNS = 10.0
PARTITION = "workflow:\n  partition: {by: day, start: 2024-01-01, column: day}"
# Runs that are as small as a run can be, in one process: for a history that is long.
FILL = """
import sys
from dataflow.runs.run import run_workflow
from dataflow.shared.project import find_project
for _ in range(int(sys.argv[1])):
    assert run_workflow(find_project(), "other_0").success
"""
# Names of the processes of `up`, by what stands in their command lines.
PROCESSES = {
    "up": "dataflow up",
    "code server": "code-server start",
    "its child": "api grpc",
    "webserver": "service.dagster_ui",
    "daemon": "service.dagster_daemon",
    "API": "dataflow.cli api",
    "run worker": "service/warm_worker",
}
LISTS = {
    "REST, 50 runs": "/api/v1/runs?limit=50",
    "REST, 500 runs": "/api/v1/runs?limit=500",
    "REST, runs of a workflow": "/api/v1/runs?workflow_id=other_0&limit=50",
    "/metrics": "/metrics",
}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partitions", type=int, default=50)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--history", type=int, default=2000)
    parser.add_argument("--plain", action="store_true", help="partitions without dbt")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), many=False)
        add_workflows(project, chosen.partitions, plain=chosen.plain)
        say("service_load: starting dataflow up")
        with service(project) as url:
            if chosen.partitions:
                backfill_beside_others(url, chosen.partitions)
            if chosen.runs:
                runs_in_a_row(url, chosen.runs)
        if chosen.history:
            say(f"service_load: a history of {chosen.history:,} runs")
            command = [BIN / "python", "-c", FILL, str(chosen.history)]
            subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
            with service(project) as url:
                lists(project, url, chosen.history)


def add_workflows(project: Path, partitions: int, *, plain: bool) -> None:
    """A partitioned workflow with dbt, and ten with one op each."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.service_fixtures import write_workflow

    (project / "journal").touch()
    days = (f"2024-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(max(1, partitions)))
    rows = "".join(f"{number},{day},{number % 7}\n" for number, day in enumerate(days))
    (project / "orders.csv").write_text(f"id,day,amount\n{rows}")
    new = [DATAFLOW, "workflow", "new", "orders", "--source", "orders.csv", "--defaults"]
    if plain:
        new += ["--data", "use_dbt=false", "--data", "use_evidence=false"]
    measure(new, project, timeout=TIMEOUT)
    config = project / "src" / "dataflow" / "workflows" / "orders" / "config.yaml"
    config.write_text(config.read_text().replace("workflow:", PARTITION, 1))
    for number in range(OTHERS):
        write_workflow(project, f"other_{number}")


def backfill_beside_others(url: str, partitions: int) -> None:
    """All partitions over REST, while ten workflows run without a pause until that is done."""
    ends, ended = threading.Event(), list[str]()

    def run_on(name: str) -> None:
        while not ends.wait(SECONDS_BETWEEN_RUNS):
            ended.append(run_once(url, name))

    keys = [f"2024-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(partitions)]
    cpu, began = cpu_of_children(), time.perf_counter()
    backfill = ask(f"{url}/api/v1/workflows/orders/backfills", {"partitions": keys})
    names = [f"other_{number}" for number in range(OTHERS)]
    others = [threading.Thread(target=run_on, args=(name,), daemon=True) for name in names]
    for other in others:
        other.start()
    while backfill["status"] == "running":
        time.sleep(2)
        backfill = ask(f"{url}{backfill['links']['self']}")
    ends.set()
    for other in others:
        other.join()
    seconds, spent = time.perf_counter() - began, cpu_of_children() - cpu
    failures = partitions - backfill["counts"].get("succeeded", 0)
    failures += sum(status != "succeeded" for status in ended)
    value = f"{seconds:.0f} s, {len(ended)} other runs, {failures} failed"
    what = f"{partitions} partitions beside {OTHERS} workflows"
    record(Result(PART, what, value, "", "none fails", failures == 0))
    each = spent / (partitions + len(ended))
    record(Result(PART, f"{what}, CPU of a run", f"{each:.2f} s CPU"))


def runs_in_a_row(url: str, runs: int) -> None:
    """One run after the other; what the processes hold after the fiftieth and after the last."""
    early: dict[str, float] = {}
    failures, cpu, began = 0, cpu_of_children(), time.perf_counter()
    for number in range(1, runs + 1):
        failures += run_once(url, f"other_{number % OTHERS}") != "succeeded"
        if number == min(50, runs):
            early = memory()
    seconds, spent = time.perf_counter() - began, cpu_of_children() - cpu
    value = f"{seconds / runs:.2f} s, {spent / runs:.2f} s CPU, {failures} failed"
    record(Result(PART, f"{runs} runs in a row, each", value, "", "none fails", failures == 0))
    for name, after in memory().items():
        if name in early:
            value = f"{early[name]:.0f} to {after:.0f} MiB"
            growth = after / early[name]
            record(Result(PART, f"memory, {name}", value, f"{growth:.2f}x", "1.2x", growth < 1.2))


def lists(project: Path, url: str, runs: int) -> None:
    """How long the lists take that people look at."""
    for name, path in LISTS.items():
        ask(f"{url}{path}")
        began = time.perf_counter()
        ask(f"{url}{path}")
        seconds = time.perf_counter() - began
        record(Result(PART, f"{runs:,} runs in history, {name}", f"{seconds:.2f} s"))
    cost = measure([DATAFLOW, "workflow", "list"], project, timeout=TIMEOUT)
    record(Result(PART, f"{runs:,} runs in history, dataflow workflow list", f"{cost.wall:.2f} s"))


def memory() -> dict[str, float]:
    """What each process of `up` has for itself, in MiB."""
    found: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            line = " ".join(process.cmdline())
            own = process.memory_full_info().uss / 2**20
        except psutil.Error:
            continue
        for name, part in PROCESSES.items():
            if part in line:
                found[name] = max(found.get(name, 0.0), own)
    return found


def run_once(url: str, name: str) -> str:
    """Run a workflow to its end; how that was, which is told if it was not good."""
    try:
        run = ask(f"{url}/api/v1/workflows/{name}/run?wait=300", {})
    except urllib.error.HTTPError as error:
        run = {"status": str(error.code), "error": error.read().decode()}
    if run["status"] != "succeeded":
        say(f"service_load: {name} ended as {run}")
    return str(run["status"])


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """The answer of the REST API; with a body the request is a POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        text = answer.read()
    kind = answer.headers.get("Content-Type", "")
    return json.loads(text) if kind.startswith("application/json") else text


if __name__ == "__main__":
    main()
