"""`dataflow workflow test`: a workflow's tests, on a sample that is taken anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import Dataflow

pytestmark = pytest.mark.slow


def test_a_masked_sample_passes_the_workflows_own_tests(
    project_folder: Path, dataflow: Dataflow
) -> None:
    """As many rows as before, of the source, with nobody's mail; and pytest has the last word."""
    lines = [f"{n},ann{n}@acme.test,{['DE', 'FR'][n % 2]},{n}.5" for n in range(1, 60)]
    (project_folder / "people.csv").write_text("\n".join(["id,mail,country,amount", *lines]))
    made = dataflow(
        "workflow", "new", "people", "--source", "people.csv", "--defaults", cwd=project_folder
    )
    assert made.returncode == 0, made.stderr
    sample = project_folder / "src/dataflow/workflows/people/tests/data/sample.json"
    before = json.loads(sample.read_text())
    done = dataflow("workflow", "test", "people", "--update-sample", "-q", cwd=project_folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 rows, masked" in done.stdout
    assert "8 passed" in done.stdout
    after = json.loads(sample.read_text())
    assert len(after) == len(before) == 6
    assert "acme" not in sample.read_text()
    assert {row["country"] for row in after} <= {"DE", "FR"}
    failing = dataflow("workflow", "test", "people", "-q", "-k", "no_such_test", cwd=project_folder)
    assert failing.returncode == 5


def test_a_workflow_that_is_not_there_is_refused(project_folder: Path, dataflow: Dataflow) -> None:
    """With the exit code of other commands, and no pytest."""
    done = dataflow("workflow", "test", "peple", cwd=project_folder)
    assert done.returncode == 2
    assert "There is no workflow" in done.stderr
