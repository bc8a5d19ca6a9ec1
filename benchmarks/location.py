"""How long Dagster takes to load a project of many workflows, against as many plain jobs.

Three ways to have 1,000 jobs of five ops with a schedule and five assets each: rendered workflows
in a project, plain Dagster in a module per job, and plain Dagster in one module. Measured is the
CPU time of what a code server does before it can answer: importing the definitions, putting the
repository together and taking the snapshot that the webserver is sent; importing Dagster itself
is not in it, but in the memory that the process held at most. The least of the repeats counts.
From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/location.py [--workflows 1 100 1000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Result, record

BIN = Path(sys.executable).parent

PLAIN = """
from dagster import AssetSpec, ScheduleDefinition, in_process_executor, job, op


@op
def extract_NAME() -> dict:
    return {}


@op
def transform_NAME(extracted: dict) -> dict:
    return extracted


@op
def load_NAME(transformed: dict) -> dict:
    return transformed


@op
def model_NAME(loaded: dict) -> dict:
    return loaded


@op
def publish_NAME(modelled: dict) -> dict:
    return modelled


@job(executor_def=in_process_executor)
def NAME_job():
    publish_NAME(model_NAME(load_NAME(transform_NAME(extract_NAME()))))


NAME_schedule = ScheduleDefinition(
    name="NAME_schedule", job=NAME_job, cron_schedule="0 6 * * *", execution_timezone="UTC"
)
NAME_assets = [AssetSpec(["NAME", "source"], group_name="NAME")]
for _kind in ("raw", "staging", "marts", "dashboard"):
    NAME_assets.append(AssetSpec(["NAME", _kind], deps=[NAME_assets[-1]], group_name="NAME"))
"""
MEASURE = """
import resource, sys, time
import dagster
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value
sys.path[:0] = sys.argv[2:]
begun = time.process_time()
defs = __import__(sys.argv[1], fromlist=["defs"]).defs
# Ours are put together when Dagster asks for them.
defs = defs() if callable(defs) else defs
serialize_value(RepositorySnap.from_def(defs.get_repository_def()))
seconds = time.process_time() - begun
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# As many as can come from other work on the machine at the same time.
NOISE = 1.1


def main() -> None:
    """Make the three, measure them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workflows", type=int, nargs="+", default=[1000])
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args()
    for number in chosen.workflows:
        compare(number, chosen.repeat)


def compare(number: int, repeat: int) -> None:
    """The three ways with so many workflows."""
    names = [f"flow_{position}" for position in range(number)]
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder), names)
        plain = write_plain(Path(folder) / "plain", names)
        ways = {
            "rendered workflows": ("dataflow.runs.code_location", project),
            "plain Dagster, a module per job": ("many", plain),
            "plain Dagster, one module": ("one", plain),
        }
        found = {
            way: min(measure(module, path) for _ in range(repeat))
            for way, (module, path) in ways.items()
        }
    plain_seconds = found["plain Dagster, a module per job"][0]
    for way, (seconds, memory) in found.items():
        goal = number >= 1000 and way == "rendered workflows"
        ratio = seconds / plain_seconds
        row = Result(
            "location",
            f"{number:,} in one code location, {way}",
            f"{seconds:.1f} s CPU, {memory / 1024:,.0f} MiB",
            f"{ratio:.2f}x",
            f"{NOISE}x" if goal else "",
            ratio <= NOISE if goal else None,
            peer=way != "rendered workflows",
        )
        record(row)


def write_project(folder: Path, names: list[str]) -> Path:
    """Render a project and one workflow, and copy that under the other names."""
    dataflow = BIN / "dataflow"
    run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([dataflow, "init", folder / "project", "--defaults"], **run)
    subprocess.run(
        [dataflow, "workflow", "new", "template_flow", "--defaults"], cwd=folder / "project", **run
    )
    workflows = folder / "project" / "src" / "dataflow" / "workflows"
    rendered = workflows / "template_flow"
    # The tests are not read; the models and the queries of the dashboard are, for the assets.
    shutil.rmtree(rendered / "tests")
    for name in names:
        shutil.copytree(rendered, workflows / name)
        for file in (workflows / name).rglob("*template_flow*"):
            file.rename(file.with_name(file.name.replace("template_flow", name)))
        for file in (workflows / name).rglob("*"):
            if file.is_file():
                file.write_text(file.read_text().replace("template_flow", name))
    shutil.rmtree(rendered)
    return folder / "project"


def write_plain(folder: Path, names: list[str]) -> Path:
    """The same jobs without us: in one module, and in a package with a module for each."""
    (folder / "jobs").mkdir(parents=True)
    for name in names:
        (folder / "jobs" / f"{name}.py").write_text(PLAIN.replace("NAME", name))
    collect = """
from dagster import Definitions
defs = Definitions(
    jobs=[JOBS], schedules=[SCHEDULES], assets=[asset for group in [ASSETS] for asset in group]
)
"""
    of = {
        "JOBS": [f"{name}_job" for name in names],
        "SCHEDULES": [f"{name}_schedule" for name in names],
        "ASSETS": [f"{name}_assets" for name in names],
    }
    for key, parts in of.items():
        collect = collect.replace(key, ", ".join(parts))
    imports = "".join(f"from jobs.{name} import *\n" for name in names)
    (folder / "many.py").write_text(imports + collect)
    (folder / "one.py").write_text("".join(PLAIN.replace("NAME", n) for n in names) + collect)
    return folder


def measure(module: str, path: Path) -> tuple[float, float]:
    """Load one of them in a process of its own; CPU seconds, and KiB of memory."""
    environment = {**os.environ, "DATAFLOW_PROJECT": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, module, str(path), str(path / "src")],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


if __name__ == "__main__":
    main()
