"""What the tests of the check stand on: a project with workflows as the template renders them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy
from tests.conftest import Dataflow

from dataflow.checking.check import check_workflows
from dataflow.checking.checklist import Report, Status
from dataflow.shared.project import Project

Render = Callable[..., Path]

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
def render(template_repository: Path) -> Callable[..., Path]:
    """Renders a workflow into a project, as `dataflow workflow new` does."""

    def make(project: Project, workflow_id: str, **answers: Any) -> Path:
        folder = project.workflow_dir(workflow_id)
        data = {"kind": "workflow", "workflow_id": workflow_id, **answers}
        run_copy(str(template_repository), folder, data=data, defaults=True, quiet=True)
        return folder

    return make


def commit(project: Project) -> None:
    """Put the project into a git repository of its own."""
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "All"]):
        subprocess.run(["git", *command], cwd=project.root, check=True)


def missing(report: Report) -> dict[str, list[str]]:
    """What is missing, by point."""
    return {
        point.topic.key: [f"{finding.place}: {finding.reason}" for finding in point.findings]
        for point in report.points
        if point.status is Status.MISSING
    }


def check_one(project: Project, name: str) -> Report:
    """Check one workflow, without its tests."""
    (report,) = check_workflows(project, [name], with_tests=False)
    return report
