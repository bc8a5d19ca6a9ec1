"""The unit tests of a workflow's dbt models."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataflow.modelling.build import build_models
from dataflow.modelling.unit_tests import failed_unit_tests
from dataflow.shared.project import Project
from dataflow.warehouse.kind import open_warehouse


@pytest.mark.slow
def test_a_run_leaves_them_to_the_workflows_tests(
    project_folder: Path, workflow_folder: Path
) -> None:
    """A build makes none, so that a wrong one stops no run; making them names the rows."""
    project = Project(project_folder)
    sample = workflow_folder / "tests" / "data" / "sample.json"
    warehouse = project.warehouse_file("sales")
    warehouse.parent.mkdir()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute(
            f"CREATE TABLE raw.sales AS SELECT *, now() AS processed_at FROM '{sample}'"
        )
    rendered = workflow_folder / "dbt" / "models" / "staging" / "_unit_tests.yml"
    before = rendered.read_text()
    lines: list[str] = []
    build_models(project, "sales", open_warehouse(project, "sales"), lines.append)
    assert not any("keeps_values" in line for line in lines)
    assert failed_unit_tests(project, "sales", {}) == []

    given, expected = before.split("    expect:")
    rendered.write_text(f"{given}    expect:{expected.replace('amount: 1.5', 'amount: 2.5')}")
    assert rendered.read_text() != before
    assert build_models(project, "sales", open_warehouse(project, "sales")).tests == 6
    [failed] = failed_unit_tests(project, "sales", {})
    assert "stg_sales_keeps_values in src/dataflow/workflows/sales/dbt/models/" in failed
    assert "1.5" in failed
    assert "2.5" in failed
