"""How long commands take, against those of Dagster, Kedro and dbt.

A project with a small workflow with dbt, one without, and, for the list, 1,000 of them. Dagster's
own command executes the same job, which has all steps in one process, and the same ops as it does
by default, with a process for each; dbt builds the same models; Kedro, in an environment of its
own, runs a pipeline of equal steps: read the same rows, clean, load into DuckDB, model, publish.
The last figure is a second run on a running `dataflow up`, from the request to its answer. Each
command is a process of its own; they are run in turn after a first time that does not count, and
the least counts. From a fresh checkout:

    make setup
    .venv/bin/python benchmarks/commands.py [--repeat 5] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import BIN, Cost, Result, in_turn, least, measure, ratio, record, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PART = "commands"
TIMEOUT = 180.0
# How many workflows are checked by one command.
MANY = 10
DATAFLOW = BIN / "dataflow"
RUN = "dataflow workflow run, with dbt and publishing"
# The same ops in a job that says nothing about how it is executed: a process for each step.
DEFAULT_JOB = """
from dagster import job

from dataflow.shared.project import find_project

find_project().make_importable()
from dataflow.workflows.small import dagster_job as small


@job
def small_by_default():
    extracted = small.extract_small()
    transformed = small.transform_small(extracted)
    loaded = small.load_small(transformed)
    modelled = small.model_small(loaded)
    small.publish_small(modelled)
"""
KEDRO = ("kedro>=1,<2", "duckdb>=1.5.1,<1.6", "pandas", "pyarrow")
KEDRO_FILES = {
    "pyproject.toml": """
[tool.kedro]
package_name = "small"
project_name = "small"
kedro_init_version = "VERSION"
source_dir = "src"
""",
    "conf/base/catalog.yml": "{}\n",
    "conf/local/.gitkeep": "",
    "src/small/__init__.py": "",
    "src/small/settings.py": "",
    "src/small/pipeline_registry.py": """
import json
from datetime import UTC, datetime

import duckdb
import pandas as pd
from kedro.pipeline import Pipeline, node


def extract():
    return pd.DataFrame(json.load(open("SAMPLE")))


def transform(rows):
    rows = rows.drop_duplicates()
    return rows.assign(processed_at=datetime.now(UTC))


def load(rows):
    with duckdb.connect("small.duckdb") as connection:
        connection.register("rows", rows)
        connection.execute("CREATE OR REPLACE TABLE raw AS FROM rows")
    return len(rows)


def model(loaded):
    with duckdb.connect("small.duckdb") as connection:
        connection.execute("CREATE OR REPLACE TABLE mart AS FROM raw")
    return loaded


def publish(modelled):
    with duckdb.connect("small.duckdb") as connection:
        connection.execute("COPY mart TO 'mart.parquet'")


def register_pipelines():
    steps = [
        node(extract, None, "extracted"),
        node(transform, "extracted", "transformed"),
        node(load, "transformed", "loaded"),
        node(model, "loaded", "modelled"),
        node(publish, "modelled", None),
    ]
    return {"__default__": Pipeline(steps)}
""",
}


def main() -> None:
    """Make the projects, measure, and print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="each once; only what pipeline.py and warm.py do not have",
    )
    chosen = parser.parse_args()
    repeat = 1 if chosen.quick else chosen.repeat
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        top = Path(folder)
        say("Commands: making projects")
        project = make_project(top)
        quick = {
            "python, nothing": lambda: measure([sys.executable, "-c", ""], top, timeout=TIMEOUT),
            "dataflow --help": lambda: measure([DATAFLOW, "--help"], top, timeout=TIMEOUT),
            "dataflow workflow list, 1,000 workflows": listing(top / "many"),
        }
        costs = warm_in_turn(quick, max(3 * repeat, 1))
        show("python, nothing", costs)
        show("dataflow --help", costs, goal=0.1)
        show("dataflow workflow list, 1,000 workflows", costs, goal=0.2)
        if not chosen.quick:
            compare_runs(project, top / "kedro", repeat)
        one = {
            "dataflow workflow check": checking(project),
            RUN: running(project, "small"),
        }
        costs = warm_in_turn(one, repeat)
        show_check("dataflow workflow check", costs["dataflow workflow check"], costs, goal=5.0)
        if not chosen.quick:
            check_many(project, costs)
            show_warm_service(project, repeat)


def compare_runs(project: Path, kedro: Path, repeat: int) -> None:
    """A run, against the same job by Dagster's command, dbt alone, and Kedro."""
    theirs = "dagster job execute, its default executor"
    ways = {
        "dataflow workflow run, without dbt": running(project, "plain"),
        RUN: running(project, "small"),
        "dagster job execute, the same job": dagster_execute(project),
        theirs: dagster_execute(project, default=True),
        "dbt build, alone": dbt_build(project),
        "kedro run, equal steps": kedro_run(kedro, project),
    }
    costs = warm_in_turn(ways, repeat)
    show("dataflow workflow run, without dbt", costs, theirs, goal=1.0)
    show(RUN, costs, theirs, goal=3.0, share=0.5)
    for name in list(ways)[2:]:
        show(name, costs, theirs)


def show_warm_service(project: Path, repeat: int) -> None:
    """A second run on a running service."""
    say("Commands: starting dataflow up")
    with service(project) as url:
        run_remotely(url)
        seconds = min(run_remotely(url) for _ in range(max(repeat, 2)))
    what = "a second run on a warm dataflow up, with dbt"
    record(Result(PART, what, f"{seconds:.2f} s", goal="1 s", met=seconds <= 1.0))


def warm_in_turn(ways: dict[str, Callable[[], Cost]], repeat: int) -> dict[str, list[Cost]]:
    """Measure in turn, after a first time that fills caches."""
    for run in ways.values():
        run()
    return in_turn(ways, repeat)


def show(
    name: str,
    costs: dict[str, list[Cost]],
    against: str = "",
    *,
    goal: float | None = None,
    share: float | None = None,
) -> None:
    """One row; ``share`` is the part of ``against``'s time that is allowed."""
    best = least(costs[name])
    value = f"{best.wall:.2f} s, {best.cpu:.2f} s CPU"
    times = ratio(costs[name], costs[against]) if against else None
    text = "" if times is None else f"{times:.2f}x"
    seconds = None if goal is None else best.wall <= goal
    peer = not name.startswith("dataflow")
    record(Result(PART, name, value, text, f"{goal:g} s" if goal else "", seconds, peer))
    if share is not None and times is not None:
        row = Result(PART, f"{name}: share of {against}", "", text, f"{share:g}x", times < share)
        record(row)


def make_project(top: Path, *, many: bool = True) -> Path:
    """A project with a workflow with dbt and one without; a folder with 1,000 workflows beside."""
    project = top / "project"
    make = {"folder": top, "timeout": TIMEOUT}
    measure([DATAFLOW, "init", project, "--defaults"], **make)
    (project / "default_job.py").write_text(DEFAULT_JOB)
    make["folder"] = project
    measure([DATAFLOW, "workflow", "new", "small", "--defaults"], **make)
    new = [DATAFLOW, "workflow", "new", "plain", "--defaults", "--data", "use_dbt=false"]
    measure(new, **make)
    if not many:
        return project
    shutil.copytree(project, top / "many")
    workflows = top / "many" / "src" / "dataflow" / "workflows"
    for number in range(998):
        shutil.copytree(workflows / "plain", workflows / f"flow_{number}")
    return project


def listing(project: Path) -> Callable[[], Cost]:
    """`dataflow workflow list`."""
    return lambda: measure([DATAFLOW, "workflow", "list"], project, timeout=TIMEOUT)


def running(project: Path, name: str) -> Callable[[], Cost]:
    """`dataflow workflow run`."""
    return lambda: measure([DATAFLOW, "workflow", "run", name], project, timeout=TIMEOUT)


def checking(project: Path, *names: str) -> Callable[[], Cost]:
    """`dataflow workflow check`, which runs the workflow's own tests as well.

    With the plug-ins of pytest that a project's environment has, not with those of this one.
    """
    command = [DATAFLOW, "workflow", "check", *(names or ["small"])]
    plugins = "dataflow.testing.plugin,anyio.pytest_plugin"
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": plugins}
    timeout = TIMEOUT if not names else 20 * TIMEOUT
    return lambda: measure(command, project, timeout=timeout, environment=environment)


def show_check(
    name: str,
    checks: list[Cost],
    costs: dict[str, list[Cost]],
    *,
    count: int = 1,
    goal: float | None = None,
) -> None:
    """What one workflow of a check takes, and how many times the CPU of running it once."""
    best = least(checks)
    times = ratio(checks, costs[RUN], "cpu") / count
    value = f"{best.wall / count:.2f} s, {best.cpu / count:.2f} s CPU"
    met = None if goal is None else best.wall <= goal
    record(Result(PART, name, value, f"{times:.2f}x", f"{goal:g} s" if goal else "", met))


def check_many(project: Path, costs: dict[str, list[Cost]]) -> None:
    """Show what it takes for each of several workflows like that one."""
    many = project.parent / "checked"
    shutil.copytree(project, many, symlinks=True)
    names = ["small", *(f"small_{number}" for number in range(1, MANY))]
    for name in names[1:]:
        copy = [DATAFLOW, "workflow", "copy", "small", name, "--yes"]
        measure(copy, many, timeout=TIMEOUT)
    run = checking(many, *names)
    run()
    show_check(f"dataflow workflow check, {MANY} workflows, each", [run()], costs, count=MANY)


def dagster_execute(project: Path, *, default: bool = False) -> Callable[[], Cost]:
    """Dagster's own command for the job that `dataflow workflow run small` executes.

    Args:
        project: The project.
        default: Execute the same ops as Dagster does unless it is told otherwise.
    """
    job = ["-m", "dataflow.runs.code_location", "-j", "small_job"]
    if default:
        job = ["-f", str(project / "default_job.py"), "-j", "small_by_default"]
    command = [BIN / "dagster", "job", "execute", *job]
    environment = {
        "DAGSTER_HOME": str(project / ".dagster"),
        "DATAFLOW_PROJECT": str(project),
    }
    return lambda: measure(command, project, timeout=TIMEOUT, environment=environment)


def dbt_build(project: Path) -> Callable[[], Cost]:
    """What dbt's command takes for the models of that workflow."""
    folder = project / "src" / "dataflow" / "workflows" / "small" / "dbt"
    environment = {"DATAFLOW_DATABASE": str(project / "data" / "small.duckdb")}
    command = [BIN / "dbt", "build", "--project-dir", folder, "--profiles-dir", folder]
    command += ["--target-path", project / "target", "--log-path", project / "logs"]
    return lambda: measure(command, project, timeout=TIMEOUT, environment=environment)


def kedro_run(folder: Path, project: Path) -> Callable[[], Cost]:
    """Kedro in an environment of its own, with a pipeline that does the same to the same rows."""
    say("Commands: installing Kedro in an environment of its own (a minute)")
    sample = project / "src/dataflow/workflows/small/tests/data/sample.json"
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    measure([programs / "pip", "install", "--quiet", *KEDRO], folder, timeout=600)
    asked = [programs / "python", "-c", "import kedro; print(kedro.__version__)"]
    version = measure(asked, folder, timeout=TIMEOUT).output.strip()
    for name, text in KEDRO_FILES.items():
        path = folder / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("VERSION", version).replace("SAMPLE", str(sample)))
    command = [programs / "kedro", "run"]
    environment = {"KEDRO_DISABLE_TELEMETRY": "1"}
    return lambda: measure(command, folder / "small", timeout=TIMEOUT, environment=environment)


@contextmanager
def service(project: Path) -> Iterator[str]:
    """`dataflow up dagster api` on free ports; gives the REST API's address once it is ready."""
    ports = [free_port(), free_port()]
    environment = {
        **os.environ,
        "DATAFLOW_DAGSTER_PORT": str(ports[0]),
        "DATAFLOW_API_PORT": str(ports[1]),
    }
    url = f"http://127.0.0.1:{ports[1]}"
    with subprocess.Popen(
        [DATAFLOW, "up", "dagster", "api"],
        cwd=project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            wait_until_ready(f"{url}/healthz", process)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Ask until the answer is 200."""
    give_up = time.monotonic() + TIMEOUT
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("dataflow up did not become ready")


def run_remotely(url: str) -> float:
    """Seconds from the request for a run until the answer that it has succeeded."""
    address = f"{url}/api/v1/workflows/small/run?wait=60"
    request = urllib.request.Request(address, data=b"{}", method="POST")
    request.add_header("Content-Type", "application/json")
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        run = json.load(answer)
    seconds = time.perf_counter() - started
    if run["status"] != "succeeded":
        sys.exit(f"a run on the service ended as {run}")
    return seconds


if __name__ == "__main__":
    main()
