"""How fast workflows are updated: against ``copier update``, and as a fleet grows.

Everything runs on copies of this repository's own template, in a temporary folder, by the real
command lines. Times are user and system CPU seconds of all processes, as the ratio of CPU time
hardly depends on what else the machine is doing; wall seconds stand beside them. What the first
command after an install does once, the schema of config.yaml for editors, is not in them.

    python benchmarks/update.py [--fleet 200] [--sample 5]
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import Result, record

REPOSITORY = Path(__file__).resolve().parent.parent
GOAL_SIZE = 1000
_STATUS_GOAL = 0.1
STATUS = "from dataflow_tools.cli.workflow_status import status; status()"
SCHEMA = """
from dataflow.shared.config_schema import place_schema
from dataflow.shared.project import find_project
place_schema(find_project())
"""
COMMAND = "from dataflow_tools.cli.workflow_update import update; update()"
IDENTITY = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"]


@dataclass(frozen=True)
class Cost:
    """What something cost, in seconds."""

    cpu: float
    wall: float

    def times(self, number: int) -> Cost:
        """What it would cost that many times."""
        return Cost(self.cpu * number, self.wall * number)

    def __str__(self) -> str:
        return f"{self.cpu:8.2f} s CPU {self.wall:8.2f} s wall"


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)


def measure(command: list[str], folder: Path, accept: tuple[int, ...] = (0,)) -> Cost:
    """Run a command and its children; what all of them cost."""
    environment = {**os.environ, "DATAFLOW_PROJECT": str(folder)}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    if done.returncode not in accept:
        sys.exit(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return Cost(cpu, end - start)


def make_template(folder: Path) -> None:
    """Copy the template, and release three versions: two with changed files, one without."""
    shutil.copytree(REPOSITORY / "template", folder / "template", symlinks=True)
    shutil.copy(REPOSITORY / "copier.yml", folder)
    git(folder.parent, "init", "-q", "-b", "main", str(folder))

    def release(tag: str) -> None:
        git(folder, "add", "-A", "--force")
        git(folder, "commit", "-q", "--allow-empty", "-m", tag)
        git(folder, "tag", tag)

    release("v1.0.0")
    config = folder / "copier.yml"
    config.write_text(
        re.sub(r'default: "[^"]*" # the version', 'default: "1.0.1" # the version', _text(config)),
        encoding="utf-8",
    )
    release("v1.0.1")
    for name in ("config.yaml.jinja", "dagster_job.py.jinja", "__init__.py.jinja"):
        path = folder / "template" / "workflow" / name
        path.write_text(f"# A new line of the template.\n{_text(path)}", encoding="utf-8")
    release("v1.1.0")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def make_project(folder: Path, template: Path, number: int) -> list[str]:
    """A project of workflows at the first version, each edited by a person; their ids."""
    import copier

    folder.mkdir()
    (folder / "pyproject.toml").write_text("[tool.dataflow]\n", encoding="utf-8")
    (folder / ".gitignore").write_text(".dataflow/\n", encoding="utf-8")
    workflows = folder / "src" / "dataflow" / "workflows"
    names = [f"flow_{n}" for n in range(number)]
    model = workflows / "model_flow"
    copier.run_copy(str(template), model, vcs_ref="v1.0.0", defaults=True, quiet=True)
    for name in names:
        # Rendering a thousand workflows would take longer than all that is measured.
        for source in model.rglob("*"):
            if source.is_file():
                relative = str(source.relative_to(model)).replace("model_flow", name)
                target = workflows / name / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                data = source.read_bytes()
                data = data.replace(b"Model flow", name.replace("_", " ").capitalize().encode())
                target.write_bytes(data.replace(b"model_flow", name.encode()))
        with (workflows / name / "config.yaml").open("a", encoding="utf-8") as file:
            file.write("# A person's line.\n")
    shutil.rmtree(model)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "workflows")
    measure([sys.executable, "-c", SCHEMA], folder)
    return names


def reset(folder: Path) -> None:
    """Undo an update."""
    git(folder, "checkout", "-q", "--", ".")
    git(folder, "clean", "-qfd")


def ours(project: Path, version: str, *names: str) -> Cost:
    """Update workflows, or all of them, by our command."""
    what = list(names) or ["--all"]
    cost = measure([sys.executable, "-c", COMMAND, *what, "--to", version], project)
    reset(project)
    return cost


def status(project: Path) -> Cost:
    """See where all workflows stand, by our command."""
    return measure([sys.executable, "-c", STATUS], project)


def by_copier(project: Path, version: str, names: list[str]) -> Cost:
    """Update workflows by Copier's command, one after the other, committing in between."""
    costs = []
    for name in names:
        folder = f"src/dataflow/workflows/{name}"
        command = [sys.executable, "-m", "copier", "update", "-q", "--defaults"]
        costs.append(measure([*command, "--vcs-ref", version, folder], project))
    reset(project)
    number = len(costs)
    return Cost(sum(c.cpu for c in costs) / number, sum(c.wall for c in costs) / number)


def main() -> None:
    """Measure, and print one line for each result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fleet", type=int, default=200, help="workflows in the fleet")
    parser.add_argument("--sample", type=int, default=5, help="runs of copier update")
    parser.add_argument("--growth", type=int, nargs="+", default=[10, 100, 1000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataflow-bench-") as folder:
        root = Path(folder)
        (root / "template").mkdir()
        make_template(root / "template")
        project = root / "fleet"
        names = make_project(project, root / "template", options.fleet)
        number, sample = len(names), names[: options.sample]

        one = ours(project, "v1.1.0", names[0])
        each = by_copier(project, "v1.1.0", sample)
        show("one workflow, three files changed", each, one)

        fleet = ours(project, "v1.1.0")
        show(f"{number} workflows, three files changed", each.times(number), fleet, goal=20)

        looked = status(project)
        show_status(number, fleet, looked)

        moved = ours(project, "v1.0.1")
        each = by_copier(project, "v1.0.1", sample[:2])
        show(f"{number} workflows, only the version moved", each.times(number), moved)
        print(f"(copier update: {len(sample)} and {len(sample[:2])} runs measured, and scaled)\n")

        for size in options.growth:
            project = root / f"growth-{size}"
            make_project(project, root / "template", size)
            moved, changed = ours(project, "v1.0.1"), ours(project, "v1.1.0")
            print(f"{size:5} workflows  only the version moved  {moved}")
            print(f"{'':5}            three files changed     {changed}")
            fleet_of = f"update of {size:,} workflows"
            goal = size == GOAL_SIZE
            value = f"{moved.wall:.2f} s, {moved.cpu:.2f} s CPU"
            record(
                Result(
                    "update",
                    f"{fleet_of}, only the version moved",
                    value,
                    goal="1 s" if goal else "",
                    met=moved.wall <= 1.0 if goal else None,
                ),
                Result("update", f"{fleet_of}, three files changed", f"{changed.wall:.1f} s"),
            )
            shutil.rmtree(project)


def show_status(number: int, update: Cost, status: Cost) -> None:
    """Print what it costs to see where all workflows stand, beside an update of them."""
    ratio = status.cpu / update.cpu
    print(f"{number} workflows, status with drift")
    print(f"  dataflow workflow status  {status}")
    print(f"  of an update's CPU        {ratio:8.2f}\n")
    record(
        Result(
            "update",
            f"status of {number} workflows, of an update's CPU",
            f"{status.cpu:.1f} s CPU",
            f"{ratio:.2f} of an update",
            "0.1",
            ratio <= _STATUS_GOAL,
        )
    )


def show(title: str, copier: Cost, dataflow: Cost, goal: float | None = None) -> None:
    """Print what both cost, and how many times as much the first costs."""
    print(title)
    print(f"  copier update             {copier}")
    print(f"  dataflow workflow update  {dataflow}")
    cpu, wall = copier.cpu / dataflow.cpu, copier.wall / dataflow.wall
    print(f"  ratio                     {cpu:8.1f} x CPU {wall:8.1f} x wall\n")
    record(
        Result(
            "update",
            f"update of {title}, against copier update",
            f"{dataflow.wall:.1f} s, {dataflow.cpu:.1f} s CPU",
            f"{cpu:.0f}x less CPU",
            f"{goal:g}x" if goal else "",
            None if goal is None else cpu >= goal,
        )
    )


if __name__ == "__main__":
    main()
