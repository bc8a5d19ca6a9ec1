"""What a check finds of the tables of the workflows that one comes after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from tests.asset_fixtures import Till, write_report, write_till

from dataflow.warehouse.duckdb_file import DATABASE_VARIABLE
from dataflow_tools.checks.dry_run import DryRunRequest, perform_dry_run

pytestmark = pytest.mark.slow

READ = "('till', 'marts', 'sales', 'id', 'BIGINT'), ('till', 'marts', 'sales', 'amount', 'DOUBLE')"


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    """Two workflows, the tables that the second has loaded, and what it read of the first."""
    made = write_till(tmp_path / "shop")
    write_report(made)
    (made.root / "data").mkdir()
    with duckdb.connect(str(made.root / "data" / "report.duckdb")) as connection:
        connection.execute(
            "CREATE SCHEMA raw; CREATE TABLE raw.people (id BIGINT, name VARCHAR);"
            "CREATE SCHEMA dataflow; CREATE TABLE dataflow.upstream_columns (workflow_id VARCHAR, "
            "schema_name VARCHAR, table_name VARCHAR, column_name VARCHAR, data_type VARCHAR);"
            f"INSERT INTO dataflow.upstream_columns VALUES {READ}"
        )
    yield made
    os.environ.pop(DATABASE_VARIABLE, None)


def findings(till: Till, *, tried: bool = False) -> list[str]:
    request = DryRunRequest(
        till.root, "report", ["people"], with_queries=False, upstream={"till": tried}
    )
    models = perform_dry_run(request).models
    assert models is not None
    return [str(finding) for finding in models.findings]


def test_a_change_of_another_workflows_columns_is_found(till: Till) -> None:
    """In the tables of its last run, and by its code as it is now, before it has run."""
    # Nothing is known of its columns yet, so that the models are only parsed.
    assert findings(till) == []
    with duckdb.connect(str(till.root / "data" / "till.duckdb")) as connection:
        connection.execute(
            "CREATE SCHEMA raw; CREATE TABLE raw.sales (id BIGINT, amount DOUBLE, note VARCHAR);"
            "CREATE SCHEMA marts; CREATE VIEW marts.sales AS FROM till.raw.sales"
        )
    assert findings(till) == []
    mart = till.folder / "dbt" / "models" / "marts" / "sales.sql"
    for text, said in (
        ("select id, amount::int as amount from {{ ref('stg_sales') }}", "INTEGER now; it was"),
        ("select id from {{ ref('stg_sales') }}", '"amount" not found'),
        ("select id, amount, note as remark from {{ ref('stg_sales') }}", ""),
    ):
        mart.write_text(text)
        perform_dry_run(DryRunRequest(till.root, "till", ["sales"], with_queries=False))
        found = findings(till, tried=True)
        assert len(found) == bool(said)
        assert said in "".join(found)
