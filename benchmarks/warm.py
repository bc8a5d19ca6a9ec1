"""What a run costs cold, and warm: from a terminal and on a running `dataflow up`.

CPU seconds of all processes and seconds from start to end, as ratios in one run on one machine: a
cold `dataflow workflow run` against `dbt build` alone and `import dagster`; and against the cold
one the same command served by a warm process, and a run over REST, from the request to success.
The CPU of the warm ones is that of the command and of the warm process with its children, or of
every process of the service while it runs. The least of the repeats counts. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/warm.py [--repeat 3] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from commands import BIN, DATAFLOW, TIMEOUT, dbt_build, make_project, running, service
from measuring import Cost, Result, in_turn, least, measure, record, say

if TYPE_CHECKING:
    from collections.abc import Callable

PART = "warm"
# Of the cold command's CPU.
GOALS = {"small": 0.3, "plain": 0.4}
NAMES = {"small": "with dbt", "plain": "without dbt"}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="each once, and none over REST")
    chosen = parser.parse_args()
    repeat = 1 if chosen.quick else chosen.repeat
    # Compiled once, as what is installed is; else each cold run compiles this library anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["DATAFLOW_DAEMON"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), many=False)
        python = [BIN / "python", "-c", "import dagster"]
        ways: dict[str, Callable[[], Cost]] = {
            "small": running(project, "small"),
            "plain": running(project, "plain"),
            "dbt build": dbt_build(project),
            "import dagster": lambda: measure(python, project, timeout=TIMEOUT),
        }
        for run in ways.values():
            run()
        costs = in_turn(ways, repeat)
        cold = {name: least(found) for name, found in costs.items()}
        show("cold, with dbt, against dbt build", cold["small"], cold["dbt build"], 1.25)
        show(
            "cold, without dbt, against import dagster", cold["plain"], cold["import dagster"], 1.9
        )
        say("warm: starting a warm process")
        worker = start_worker(project, Path(folder))
        for name, goal in GOALS.items():
            at_terminal(project, name, worker)
            warm = least([at_terminal(project, name, worker) for _ in range(repeat)])
            show(f"at a terminal, {NAMES[name]}, against cold", warm, cold[name], goal)
        worker.terminate()
        if chosen.quick:
            return
        say("warm: starting dataflow up")
        with service(project) as url:
            for name, goal in GOALS.items():
                wait_until_warm(url, name)
                warm = least([over_rest(url, name) for _ in range(repeat)])
                show(f"over REST, {NAMES[name]}, against cold", warm, cold[name], goal)


def show(what: str, cost: Cost, against: Cost, goal: float) -> None:
    """One row: CPU decides, the time is told."""
    times = cost.cpu / against.cpu
    value = f"{cost.cpu:.2f} s CPU, {cost.wall:.2f} s"
    ratio = f"{times:.2f}x CPU, {cost.wall / against.wall:.2f}x time"
    record(Result(PART, what, value, ratio, f"{goal:g}x CPU", times <= goal))


def start_worker(project: Path, folder: Path) -> psutil.Process:
    """Have a cold run leave a warm process behind."""
    os.environ |= {"XDG_RUNTIME_DIR": str(folder), "DATAFLOW_DAEMON": "1"}
    measure([DATAFLOW, "workflow", "run", "plain"], project, timeout=TIMEOUT)
    give_up = time.monotonic() + TIMEOUT
    while not (sockets := list((folder / "dataflow").glob("*.sock"))):
        if time.monotonic() > give_up:
            raise SystemExit("no warm process came")
        time.sleep(0.1)
    return psutil.Process(int(sockets[0].with_suffix(".lock").read_text()))


def at_terminal(project: Path, name: str, worker: psutil.Process) -> Cost:
    """One run by a child of the warm process; one that ran cold would show in its CPU."""
    before = cpu_of(worker)
    cost = measure([DATAFLOW, "workflow", "run", name], project, timeout=TIMEOUT)
    # A process is counted with its parent once that has waited for it.
    time.sleep(0.5)
    if cpu_of(worker) - before < cost.cpu:
        raise SystemExit("the run did not come from the warm process")
    return Cost(cost.wall, cost.cpu + cpu_of(worker) - before)


def wait_until_warm(url: str, name: str) -> None:
    """Run until a run has come from the warm process; then once more for what it caches."""
    give_up = time.monotonic() + TIMEOUT
    while "dataflow/run_process" not in run_remotely(url, name)["tags"]:
        if time.monotonic() > give_up:
            raise SystemExit("no run came from the warm process")
        time.sleep(1)
    run_remotely(url, name)


def over_rest(url: str, name: str) -> Cost:
    """One run, from the request to the answer that it has succeeded."""
    before, started = cpu_of_children(), time.perf_counter()
    run_remotely(url, name)
    wall = time.perf_counter() - started
    # A process is counted with its parent once that has waited for it.
    time.sleep(0.5)
    return Cost(wall, cpu_of_children() - before)


def run_remotely(url: str, name: str) -> dict[str, dict[str, str]]:
    """Run a workflow on the service to its end."""
    address = f"{url}/api/v1/workflows/{name}/run?wait=60"
    request = urllib.request.Request(address, data=b"{}", method="POST")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        run = json.load(answer)
    if run["status"] != "succeeded":
        raise SystemExit(f"a run on the service ended as {run}")
    return dict(run)


def cpu_of_children() -> float:
    """CPU seconds of all processes that this one has started, and of those that have ended."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            total += cpu_of(process)
        except psutil.Error:
            continue
    return total


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds of a process and of its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


if __name__ == "__main__":
    main()
