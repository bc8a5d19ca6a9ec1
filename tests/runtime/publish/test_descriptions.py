"""What dbt's descriptions say, as pages read it."""

from __future__ import annotations

import json

import duckdb

from dataflow.publish.descriptions import descriptions_query
from dataflow.shared.project import Project


def test_described_columns_of_models_are_rows(project: Project) -> None:
    """Units stand beside them; what says nothing, and nodes that are no models, are left out."""
    folder = project.state_dir / "dbt" / "sales" / "target"
    folder.mkdir(parents=True)
    columns = {
        "price": {"name": "price", "description": "What was paid,\n  in euros; it's net."},
        "id": {"name": "id", "description": ""},
        "day": {"name": "day", "description": "The source's column day."},
    }
    nodes = {
        "model.sales.sales": {"resource_type": "model", "alias": "sales", "columns": columns},
        "test.sales.x": {"resource_type": "test", "alias": "x", "columns": columns},
    }
    (folder / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    with duckdb.connect() as session:
        units = {"price": "EUR", "weight": "kg"}
        rows = session.execute(descriptions_query(project, "sales", units)).fetchall()
    assert rows == [
        ("sales", "price", "What was paid, in euros; it's net.", "EUR"),
        ("", "weight", "", "kg"),
    ]


def test_without_a_dbt_project_there_are_no_rows(project: Project) -> None:
    """A workflow that has no models has a table without rows, so that pages need no condition."""
    with duckdb.connect() as session:
        relation = session.execute(descriptions_query(project, "sales"))
        assert [column[0] for column in relation.description] == [
            "table_name",
            "column_name",
            "description",
            "unit",
        ]
        assert relation.fetchall() == []
