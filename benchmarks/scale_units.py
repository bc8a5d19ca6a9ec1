"""Measures what the simulation of `scale.py` stands on, by small real runs on this machine."""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import location
import psutil
import update
from commands import DATAFLOW, TIMEOUT, make_project, service
from measuring import measure, say
from service_load import ask
from warm import cpu_of_children

# So small that they take a minute each, so large that a start does not count.
FEW, MANY = 10, 110
RUNS = 40
TRIVIAL = 16
BATCHES = (16, 64)
WAITING = 2_000
FLEETS = (10, 60)
_PROBE_SECONDS = 1.0


def measure_units(folder: Path) -> dict[str, dict[str, Any]]:
    """All unit costs anew, each with how it was measured."""
    found: dict[str, dict[str, Any]] = {}
    say("scale: code locations")
    found |= _of_location(folder / "location")
    say("scale: runs")
    found |= _of_runs(folder / "runs")
    say("scale: updates")
    found |= _of_updates(folder / "updates")
    return found


def unit(values: list[float], unit: str, how: str) -> dict[str, Any]:
    """A row of the table: the median, the least and the most."""
    return {
        "value": round(statistics.median(values), 6),
        "low": round(min(values), 6),
        "high": round(max(values), 6),
        "unit": unit,
        "how": how,
    }


def _of_location(folder: Path) -> dict[str, dict[str, Any]]:
    folder.mkdir(parents=True)
    sizes = {}
    for number in (FEW, MANY):
        project = location.write_project(
            folder / str(number), [f"flow_{position}" for position in range(number)]
        )
        sizes[number] = [location.measure("dataflow.runs.code_location", project) for _ in range(3)]
    each, memory, base, memory_base = [], [], [], []
    for (few_cpu, few_kib), (many_cpu, many_kib) in zip(sizes[FEW], sizes[MANY], strict=True):
        each.append((many_cpu - few_cpu) / (MANY - FEW))
        memory.append((many_kib - few_kib) * 1024 / (MANY - FEW))
        base.append(max(0.0, few_cpu - FEW * each[-1]))
        memory_base.append(few_kib * 1024 - FEW * memory[-1])
    how = f"benchmarks/location.py with {FEW} and {MANY} rendered workflows, 3 times"
    return {
        "load_each": unit(each, "s CPU", f"{how}: the slope"),
        "load_base": unit(base, "s CPU", f"{how}: what is left at none"),
        "memory_each": unit(memory, "bytes", f"{how}: the slope of the most memory"),
        "memory_base": unit(memory_base, "bytes", f"{how}: what is left at none"),
    }


def _of_runs(folder: Path) -> dict[str, dict[str, Any]]:
    folder.mkdir(parents=True)
    project = make_project(folder, many=False)
    add_trivial(project, TRIVIAL)
    cold = [
        measure(
            [DATAFLOW, "workflow", "run", "small"],
            project,
            timeout=TIMEOUT,
            environment={"DATAFLOW_DAEMON": "false"},
        ).cpu
        for _ in range(4)
    ][1:]
    found = {"cold_run_cpu": unit(cold, "s CPU", "`dataflow workflow run`, with dbt, 3 times")}
    with service(project) as url:
        for name, workflow, number in (("run", "small", 8), ("trivial", "plain", 16)):
            ask(f"{url}/api/v1/workflows/{workflow}/run?wait=300", {})
            cpu, wall = [], []
            for _ in range(number):
                before, began = cpu_of_children(), time.perf_counter()
                run = ask(f"{url}/api/v1/workflows/{workflow}/run?wait=300", {})
                wall.append(time.perf_counter() - began)
                cpu.append(cpu_of_children() - before)
                assert run["status"] == "succeeded", run
            what = "with dbt and dashboard" if name == "run" else "with one table, without dbt"
            how = f"{number} runs over REST one after another, {what}, on a warm service"
            found[f"{name}_cpu"] = unit(cpu, "s CPU", how)
            # Others may be at work on the machine: the least is nearest to a run alone.
            found[f"{name}_wall"] = {**unit(wall, "s", f"{how}; the least"), "value": min(wall)}
        before = _bytes(project)
        for _ in range(RUNS):
            ask(f"{url}/api/v1/workflows/small/run?wait=300", {})
        grown = (_bytes(project) - before) / RUNS
        how = f"growth of .dagster over {RUNS} runs with dbt, after the first"
        found["history"] = unit([grown], "bytes", how)
        found |= _of_daemon(url)
    return found


def _of_daemon(url: str) -> dict[str, dict[str, Any]]:
    """What the daemon spends for a run that it starts, and for each that waits at each look."""
    dequeue = []
    for number in BATCHES:
        before = _daemon_cpu()
        queue(url, number, TRIVIAL)
        dequeue.append((_daemon_cpu() - before) / number)
    how = "CPU of the daemon for {} and for {} trivial runs queued at once, four slots"
    return {
        "dequeue": unit(dequeue, "s CPU", how.format(*BATCHES)),
        "look": unit(
            [_look() for _ in range(3)],
            "s CPU",
            f"Dagster's question for the runs that wait, with {WAITING:,} of them in SQLite, each",
        ),
    }


def _look() -> float:
    """What each run that waits costs when the daemon asks which there are."""
    from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

    tags = {"dataflow/workflow": "small", "dagster/code_location": "dataflow"}
    with tempfile.TemporaryDirectory() as folder, DagsterInstance.local_temp(folder) as instance:
        for number in range(WAITING):
            instance.run_storage.add_run(
                DagsterRun(
                    job_name=f"small_{number}_job",
                    run_id=str(uuid.UUID(int=number)),
                    # As large; one that is queued would need a place in a workspace.
                    status=DagsterRunStatus.NOT_STARTED,
                    tags=tags,
                )
            )
        began = time.process_time()
        found = instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.NOT_STARTED]))
        seconds = time.process_time() - began
        assert len(found) == WAITING
    return seconds / WAITING


def _daemon_cpu() -> float:
    for process in psutil.Process().children(recursive=True):
        if "service.dagster_daemon" in " ".join(process.cmdline()):
            times = process.cpu_times()
            return float(times.user + times.system)
    sys.exit("There is no daemon.")


def _of_updates(folder: Path) -> dict[str, dict[str, Any]]:
    folder.mkdir(parents=True)
    (folder / "template").mkdir()
    update.make_template(folder / "template")
    costs: dict[int, tuple[float, float]] = {}
    for size in FLEETS:
        project = folder / f"fleet-{size}"
        update.make_project(project, folder / "template", size)
        looked = update.status(project).cpu
        costs[size] = (update.ours(project, "v1.1.0").cpu, looked)
    few, many = FLEETS
    names = ("update_each", "status_each")
    how = f"benchmarks/update.py's fleets of {few} and {many}, three files changed: the slope"
    return {
        name: unit([(costs[many][at] - costs[few][at]) / (many - few)], "s CPU", how)
        for at, name in enumerate(names)
    }


def add_trivial(project: Path, number: int) -> None:
    """Workflows with a job of two ops that do nothing."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.service_fixtures import write_workflow

    (project / "journal").touch()
    for position in range(number):
        write_workflow(project, f"trivial_{position}")


def queue_runs(folder: Path, runs: int, workflows: int) -> tuple[float, float, int]:
    """Queue that many runs at once with four slots; seconds until all have ended, their CPU, lost.

    The limit of the template's dagster.yaml is four runs, one of each workflow.
    """
    folder.mkdir(parents=True)
    project = make_project(folder, many=False)
    add_trivial(project, workflows)
    with service(project) as url:
        ask(f"{url}/api/v1/workflows/trivial_0/run?wait=300", {})
        cpu, began = cpu_of_children(), time.perf_counter()
        queue(url, runs, workflows)
        seconds, spent = time.perf_counter() - began, cpu_of_children() - cpu
        done = _count(url, "succeeded") - 1
    return seconds, spent, runs - done


def queue(url: str, runs: int, workflows: int) -> None:
    """Queue runs of that many trivial workflows in turn, and wait until all have ended."""
    for number in range(runs):
        ask(f"{url}/api/v1/workflows/trivial_{number % workflows}/run", {})
    while _count(url, "queued") or _count(url, "running"):
        time.sleep(0.5)


def trivial_costs(folder: Path, number: int = 30) -> tuple[float, float]:
    """CPU and time of a trivial run alone, as the validation needs them."""
    folder.mkdir(parents=True)
    project = make_project(folder, many=False)
    add_trivial(project, 2)
    with service(project) as url:
        ask(f"{url}/api/v1/workflows/trivial_0/run?wait=300", {})
        cpu, began = cpu_of_children(), time.perf_counter()
        for _ in range(number):
            ask(f"{url}/api/v1/workflows/trivial_0/run?wait=300", {})
        return (cpu_of_children() - cpu) / number, (time.perf_counter() - began) / number


def cores_to_be_had() -> float:
    """How many cores this machine gives two busy processes at this moment."""
    with multiprocessing.Pool(2) as pool:
        return sum(pool.map(_spin, [_PROBE_SECONDS] * 2))


def _spin(seconds: float) -> float:
    cpu, end = time.process_time(), time.perf_counter() + seconds
    began = time.perf_counter()
    while time.perf_counter() < end:
        pass
    return (time.process_time() - cpu) / (time.perf_counter() - began)


def _count(url: str, status: str) -> int:
    return len(ask(f"{url}/api/v1/runs?status={status}&limit=500")["runs"])


def _bytes(project: Path) -> float:
    return float(sum(p.stat().st_size for p in (project / ".dagster").rglob("*") if p.is_file()))


if __name__ == "__main__":
    import json

    with tempfile.TemporaryDirectory(prefix="dataflow-scale-") as top:
        print(json.dumps(measure_units(Path(top)), indent=2))
