"""Checks of what was rendered: format, lint, the authoring checklist, and whether it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import PROJECT_VARIABLE
from dataflow_tools.fleet.pytest_command import pytest_command
from dataflow_tools.fleet.tree import read_entry, read_tree
from dataflow_tools.templates.findings import TemplateFinding
from dataflow_tools.templates.rendered_project import PROJECT_SET, RenderedProject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# So many findings of one step are kept; a template that is wrong is wrong in every workflow.
_MOST = 50
# What pytest returns when it finds no test.
_NO_TESTS = 5


class ToolFailedError(DataflowError):
    """A program that looks at what was rendered could not do its work."""


@dataclass(frozen=True)
class Rendered:
    """What the checks are about.

    Args:
        sets: The answers of each workflow, by its name.
        reproduce: Makes the command that shows a finding about a workflow again, from what has to
            be run in the rendered project.
    """

    made: RenderedProject
    sets: Mapping[str, Mapping[str, Any]]
    reproduce: Callable[[str, str], str]

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.made.project.root

    @property
    def workflows(self) -> list[str]:
        """The workflows that could be rendered."""
        return [name for name in self.made.renderings if name != PROJECT_SET]

    def finding(self, path: Path | str, reason: str, command: str) -> TemplateFinding:
        """A finding about a file, which tells for which answers it was rendered."""
        file = self.made.project.relative(Path(path))
        name = self._set_of(self.root / file)
        return self.about(name, file, reason, command)

    def about(self, name: str, file: str, reason: str, command: str) -> TemplateFinding:
        """A finding about one set of answers."""
        answers = self.sets.get(name, {})
        return TemplateFinding(name, answers, file, reason, self.reproduce(name, command))

    def _set_of(self, path: Path) -> str:
        try:
            return path.relative_to(self.made.project.workflows_dir).parts[0]
        except (ValueError, IndexError):
            return PROJECT_SET


def check_format(rendered: Rendered) -> list[TemplateFinding]:
    """What ruff would format differently, by the rendered project's own settings."""
    found = []
    with tempfile.TemporaryDirectory(prefix="dataflow-format-") as folder:
        # Its words differ from version to version; what it does to a copy is plain.
        copy = Path(folder) / "project"
        shutil.copytree(rendered.root, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        done = _run(rendered, [*_RUFF, "format", "--no-cache", "."], accept=(0, 2), folder=copy)
        for path, entry in sorted(read_tree(copy).items()):
            if entry != read_entry(rendered.root / path):
                reason = "ruff would format it differently"
                found.append(rendered.finding(path, reason, f"ruff format --diff {path}"))
        for line in done.stderr.splitlines() if done.returncode else ():
            found.append(rendered.finding("", line, "ruff format --diff ."))
    return found[:_MOST]


def check_lint(rendered: Rendered) -> list[TemplateFinding]:
    """What ruff says by the rendered project's own rules."""
    done = _run(
        rendered, [*_RUFF, "check", "--no-cache", "--output-format", "json", "."], accept=(0, 1)
    )
    found = []
    for one in json.loads(done.stdout or "[]")[:_MOST]:
        place = one["location"]
        reason = f"line {place['row']}: {one['code']} {one['message']}"
        path = rendered.made.project.relative(Path(one["filename"]).resolve())
        found.append(rendered.finding(path, reason, f"ruff check {path}"))
    return found


def check_contract(rendered: Rendered) -> list[TemplateFinding]:
    """What the authoring checklist says of each workflow, as `dataflow workflow check` does."""
    if not rendered.workflows:
        return []
    what = ["workflow", "check", "--all", "--no-tests", "--no-environment", "--json"]
    done = _run(rendered, [*_DATAFLOW, *what], accept=(0, 1))
    found = []
    for workflow in json.loads(done.stdout)["workflows"]:
        name = workflow["workflow_id"]
        for point in workflow["points"]:
            if point["status"] != "missing":
                continue
            for one in point["findings"]:
                file = one["file"] or rendered.made.project.relative(rendered.made.folder(name))
                reason = f"{point['point']}: {one['reason']} {one['instruction'] or ''}".strip()
                command = f"dataflow workflow check {name} --no-tests --no-environment"
                found.append(rendered.about(name, file, reason, command))
    return found[:_MOST]


def check_runs(
    rendered: Rendered, names: Sequence[str], progress: Callable[[str], None]
) -> list[TemplateFinding]:
    """Run workflows from end to end on their sample, by their own tests."""
    found = []
    for number, name in enumerate(names, start=1):
        progress(f"running {number} of {len(names)}: {name}")
        folder = rendered.made.project.relative(rendered.made.folder(name))
        command = [*pytest_command(), "-q", "-x", "--no-header", folder]
        done = _run(rendered, command, accept=(0, 1, 2, 3, 4, _NO_TESTS))
        if done.returncode not in (0, _NO_TESTS):
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            reason = "its tests fail:\n" + "\n".join(lines[-12:])
            found.append(rendered.about(name, folder, reason, f"pytest {folder}"))
    return found


_RUFF = [sys.executable, "-m", "ruff"]
_DATAFLOW = [sys.executable, "-m", "dataflow.cli"]


def _run(
    rendered: Rendered,
    command: list[str],
    *,
    accept: tuple[int, ...],
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, PROJECT_VARIABLE: str(rendered.root), "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=folder or rendered.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode not in accept:
        words = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()
        shown = " ".join(command[2:5])
        raise ToolFailedError(
            f"`{shown}` ended with exit code {done.returncode} in the rendered project: "
            f"{' '.join(words[-3:])}",
            "Fix what it says in template/, then run the check again.",
        )
    return done
