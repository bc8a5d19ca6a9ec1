"""Where the columns come from that models and dashboards are tried out on."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from tests.tools.checks.breakages import replace
from tests.tools.checks.conftest import Render, check_one, missing

from dataflow.shared.project import Project
from dataflow_tools.checks.protocol import Status

pytestmark = pytest.mark.slow


def make_warehouse(project: Project, name: str, extra: str = "") -> None:
    """What a run leaves: the loaded table and the mart, with the columns of the sample."""
    path = project.warehouse_file(name)
    path.parent.mkdir(exist_ok=True)
    columns = (
        "id BIGINT, created_at TIMESTAMP, category VARCHAR, amount DOUBLE, "
        f"processed_at TIMESTAMPTZ{extra}"
    )
    with duckdb.connect(str(path)) as connection:
        for schema in ("raw", "marts"):
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(f"CREATE TABLE {schema}.{name} ({columns})")


def test_after_a_run_the_warehouse_says_which_columns_there_are(
    new_project: Callable[[], Project], render: Render
) -> None:
    """Of a column that only the built mart shows a description is missed; nothing is written."""
    project = new_project()
    folder = render(project, "sales", use_evidence=False)
    mart = folder / "dbt" / "models" / "staging" / "stg_sales.sql"
    mart.write_text(mart.read_text().replace("processed_at", "processed_at, discount", 1))
    make_warehouse(project, "sales", ", discount DOUBLE")
    before = project.warehouse_file("sales").read_bytes()
    # Somebody else may read it at the same time.
    with duckdb.connect(str(project.warehouse_file("sales")), read_only=True):
        report = check_one(project, "sales")
    (point,) = [point for point in report.points if point.key == "columns"]
    assert point.verdict.status is Status.ADVISED
    assert "discount" in str(point.verdict.findings)
    assert project.warehouse_file("sales").read_bytes() == before


def test_a_column_that_is_new_in_the_code_is_known_before_the_next_run(
    new_project: Callable[[], Project], render: Render
) -> None:
    """The tests' sample knows it already, so a commit is not held up until somebody runs it."""
    project = new_project()
    folder = render(project, "sales", use_dbt=False)
    make_warehouse(project, "sales")
    replace("evidence/sources/sales.sql", "from raw", ", discount * 2 as twice from raw")(folder)
    assert '"discount" not found' in str(missing(check_one(project, "sales")))
    replace("tests/data/sample.json", '"id":', '"discount": 0.5, "id":')(folder)
    assert missing(check_one(project, "sales")) == {}


def test_a_warehouse_in_use_does_not_stop_the_check(
    new_project: Callable[[], Project], render: Render
) -> None:
    """While another process writes, the sample's columns stand in."""
    project = new_project()
    render(project, "sales", use_dbt=False)
    make_warehouse(project, "sales")
    with duckdb.connect(str(project.warehouse_file("sales"))):
        assert missing(check_one(project, "sales")) == {}
