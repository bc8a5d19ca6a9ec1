"""A workflow that has no source: its models read the tables of other workflows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.conftest import BIN, Dataflow


@pytest.mark.slow
def test_a_workflow_of_unknown_others_is_not_made(project_folder: Path, dataflow: Dataflow) -> None:
    """The name is told, and nothing is written."""
    refused = dataflow("workflow", "new", "report", "--after", "order", cwd=project_folder)
    assert refused.returncode != 0
    assert "'order' is no workflow of this project" in refused.stderr.replace("`", "'")
    assert not (project_folder / "src/dataflow/workflows/report").exists()


@pytest.mark.slow
def test_a_workflow_of_others_tables_runs_as_it_is_made(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """One SQL file, a short config.yaml; its code is as the linter, the types and the check say."""

    def make(*arguments: str) -> str:
        done = dataflow("workflow", *arguments, cwd=project_folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    make("new", "orders", "--defaults")
    make("run", "orders")
    make("new", "report", "--after", "orders")
    folder = project_folder / "src/dataflow/workflows/report"
    assert set(yaml.safe_load((folder / "config.yaml").read_text())) == {"workflow"}
    assert not (folder / "ingestion.py").exists()
    for tool in (["ruff", "check"], ["ruff", "format", "--check"]):
        command = [str(BIN / tool[0]), *tool[1:], str(folder)]
        done = subprocess.run(
            command, cwd=project_folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
    assert "report (6)" in make("run", "report")
    assert "report: valid" in make("check", "report", "--no-tests")
    refused = dataflow("workflow", "run", "report", "--only", "load", cwd=project_folder)
    assert "loads nothing" in refused.stderr
