"""What the tests of the check stand on: a project with workflows as the template renders them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy
from tests.conftest import REPOSITORY, Dataflow

from dataflow.shared.project import Project
from dataflow_tools.checks.check import check_workflows
from dataflow_tools.checks.checklist import Report
from dataflow_tools.checks.protocol import Status

Render = Callable[..., Path]

# The id of what is rendered, and the title that the template makes of it.
_ID, _TITLE = "some_workflow", "Some workflow"
# Without models and dashboards a workflow is checked in a moment.
BARE = {"use_dbt": False, "use_evidence": False, "use_assets": False}


@pytest.fixture(scope="session")
def new_project(
    tmp_path_factory: pytest.TempPathFactory, template_repository: Path, dataflow: Dataflow
) -> Callable[[], Project]:
    """Makes projects, as `dataflow init` does."""

    def make() -> Project:
        root = tmp_path_factory.mktemp("checked") / "shop"
        made = dataflow(
            "init", root, "--template", template_repository, "--defaults", cwd=root.parent
        )
        assert made.returncode == 0, made.stderr
        return Project(root)

    return make


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Puts a workflow into a project, as `dataflow workflow new` does.

    The template is rendered once for each set of answers; the others are copies under their ids.
    """
    # A plain folder: a repository would be cloned for every rendering.
    template = tmp_path_factory.mktemp("plain")
    shutil.copy(REPOSITORY / "copier.yml", template)
    shutil.copytree(REPOSITORY / "template", template / "template")

    @cache
    def rendered(answers: str) -> Path:
        folder = tmp_path_factory.mktemp("rendered") / _ID
        data = {"kind": "workflow", "workflow_id": _ID, **json.loads(answers)}
        run_copy(str(template), folder, data=data, defaults=True, quiet=True)
        return folder

    def make(project: Project, workflow_id: str, **answers: Any) -> Path:
        folder = project.workflow_dir(workflow_id)
        original = rendered(json.dumps(answers))
        for path in sorted(original.rglob("*")):
            if path.is_file():
                target = folder / _renamed(str(path.relative_to(original)), workflow_id)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(_renamed(path.read_text(), workflow_id))
        return folder

    return make


def _renamed(text: str, workflow_id: str) -> str:
    title = workflow_id.replace("_", " ").capitalize()
    for old, new in ((_ID, workflow_id), (_ID.upper(), workflow_id.upper()), (_TITLE, title)):
        text = text.replace(old, new)
    return text


def commit(project: Project) -> None:
    """Put the project into a git repository of its own."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "All"]):
        subprocess.run(["git", *command], cwd=project.root, check=True)


def missing(report: Report) -> dict[str, list[str]]:
    """What is missing, by point."""
    return {
        point.key: [f"{finding.place}: {finding.statement}" for finding in point.verdict.findings]
        for point in report.points
        if point.verdict.status is Status.MISSING
    }


def check_one(project: Project, name: str) -> Report:
    """Check one workflow, without its tests."""
    (report,) = check_workflows(project, [name], with_tests=False)
    return report
