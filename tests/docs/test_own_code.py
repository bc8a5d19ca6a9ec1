"""What docs/workflows says of one's own code holds, in a run and in the rendered tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.conftest import REPOSITORY, Dataflow

pytestmark = pytest.mark.slow

PAGE = (REPOSITORY / "docs" / "workflows" / "own-code.md").read_text()
GUIDE = REPOSITORY / "tests" / "cases" / "guide"
MODULES = ("ingestion", "transform", "dagster_job")


def example(heading: str, language: str = "python") -> str:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found[1].replace("my_workflow", "sales")


def run(dataflow: Dataflow, folder: Path, *options: str) -> str:
    project = folder.parents[3]
    ran = dataflow("workflow", "run", "sales", *options, cwd=project)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def check_tests(folder: Path) -> None:
    project = folder.parents[3]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    tested = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout[-3000:]
    assert " passed" in tested.stdout


def ask(folder: Path, sql: str) -> list[tuple[object, ...]]:
    path = str(folder.parents[3] / "data" / "sales.duckdb")
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_an_ingestion_of_ones_own(workflow_folder: Path, dataflow: Dataflow) -> None:
    """The rows that it makes are in the mart, and the rendered tests pass."""
    (workflow_folder / "ingestion.py").write_text(example("An ingestion of your own"))
    run(dataflow, workflow_folder)
    assert ask(workflow_folder, "SELECT count(*) FROM marts.sales") == [(4,)]
    check_tests(workflow_folder)


def test_reading_only_what_is_new(workflow_folder: Path, dataflow: Dataflow) -> None:
    """The second run adds what has come since; a key in config.yaml is not needed."""
    ingestion = workflow_folder / "ingestion.py"
    ingestion.write_text(example("Reading only what is new"))
    config = workflow_folder / "config.yaml"
    config.write_text(config.read_text().replace("disposition: replace", "disposition: append"))
    run(dataflow, workflow_folder)
    ingestion.write_text(ingestion.read_text().replace("range(1, 6)", "range(1, 9)"))
    assert "3 rows from events" in run(dataflow, workflow_folder)
    assert "0 rows from events" in run(dataflow, workflow_folder)
    assert ask(workflow_folder, "SELECT count(*), count(DISTINCT id) FROM raw.sales") == [(8, 8)]
    check_tests(workflow_folder)


def test_a_stage_of_ones_own(workflow_folder: Path, dataflow: Dataflow) -> None:
    """It runs among the others and is named."""
    (workflow_folder / "transform.py").write_text(example("A stage of your own"))
    config = workflow_folder / "config.yaml"
    before, _, rest = config.read_text().partition("transformation:\n")
    after = rest.partition("\nload:")[2]
    config.write_text(f"{before}{example('A stage of your own', 'yaml')}\nload:{after}")
    assert "after at_least, enrichment" in run(dataflow, workflow_folder)
    check_tests(workflow_folder)


def test_a_transformation_of_ones_own(workflow_folder: Path, dataflow: Dataflow) -> None:
    """Its rows are loaded, and its stages may be mere names."""
    (workflow_folder / "transform.py").write_text(example("A transformation of your own"))
    assert "after doubling" in run(dataflow, workflow_folder)
    check_tests(workflow_folder)


def test_a_job_of_ones_own(workflow_folder: Path, dataflow: Dataflow) -> None:
    """It takes run config, and the rendered tests skip what it does not do."""
    (workflow_folder / "dagster_job.py").write_text(example("A job of your own"))
    run(dataflow, workflow_folder, "--config", "{ops: {count: {config: {largest: 5}}}}")
    check_tests(workflow_folder)


@pytest.mark.parametrize("number", range(1, 8))
def test_the_guides_files_work_in_a_rendered_workflow(
    workflow_folder: Path, dataflow: Dataflow, number: int
) -> None:
    """Each alone and all together, in a run and in the rendered tests."""
    for at, module in enumerate(MODULES):
        if number >> at & 1:
            code = (GUIDE / f"{module}.py").read_text().replace('"guide"', '"sales"')
            code = code.replace(
                '{"id": 1, "v": 2}, {"id": 1, "v": 2}, {"id": 3, "v": 4}',
                "*({'id': n, 'created_at': '2024-01-01T00:00:00', 'category': 'books', "
                "'amount': 1.5} for n in (1, 1, 3))",
            )
            (workflow_folder / f"{module}.py").write_text(code)
    run(dataflow, workflow_folder)
    check_tests(workflow_folder)
    if number == 3:
        assert ask(workflow_folder, "SELECT count(*) FROM marts.sales") == [(2,)]
