"""What is told of tables: columns, rows, and values of those columns that may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.runs import table_facts
from dataflow.runs.table_facts import TableFacts, facts_of_tables
from dataflow.warehouse.duckdb_file import DuckDBFile

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOTHING: frozenset[str] = frozenset()


def test_tables_and_views_are_told_with_columns_rows_and_samples(tmp_path: Path) -> None:
    """What is not there is not told; a view whose rows cannot be counted only has its columns."""
    warehouse = DuckDBFile(tmp_path / "sales.duckdb")
    with warehouse.connect() as connection:
        connection.execute(
            "CREATE SCHEMA raw; CREATE TABLE raw.sales AS "
            "SELECT i AS id, 'a' || i AS \"Name\" FROM range(8) t(i);"
            "CREATE TABLE raw.empty (a INTEGER); CREATE TABLE raw.source AS SELECT 1 AS one;"
            "CREATE VIEW raw.few AS SELECT id FROM raw.sales WHERE id < 2;"
            "CREATE VIEW raw.broken AS SELECT one FROM raw.source; DROP TABLE raw.source;"
            "CREATE VIEW raw.after AS SELECT id FROM raw.sales"
        )
    wanted = {
        ("raw", "sales"): frozenset({"name"}),
        ("raw", "empty"): NOTHING,
        ("raw", "gone"): NOTHING,
        ("raw", "broken"): frozenset({"one"}),
        ("raw", "few"): frozenset({"id"}),
        ("raw", "after"): NOTHING,
    }

    facts = facts_of_tables(warehouse, wanted)

    rows = "".join(f"\n| a{number} |" for number in range(5))
    assert facts == {
        ("raw", "sales"): TableFacts(
            {"id": "BIGINT", "Name": "VARCHAR"}, 8, f"| Name |\n| --- |{rows}"
        ),
        ("raw", "empty"): TableFacts({"a": "INTEGER"}, 0),
        ("raw", "broken"): TableFacts({"one": "INTEGER"}),
        ("raw", "few"): TableFacts({"id": "BIGINT"}, 2, "| id |\n| --- |\n| 0 |\n| 1 |"),
        ("raw", "after"): TableFacts({"id": "BIGINT"}, 8),
    }


def test_a_view_whose_rows_take_long_to_count_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its columns are told, and those of the views after it; the tables' rows are."""
    monkeypatch.setattr(table_facts, "_SECONDS_FOR_VIEWS", 0.05)
    warehouse = DuckDBFile(tmp_path / "sales.duckdb")
    with warehouse.connect() as connection:
        connection.execute(
            "CREATE VIEW endless AS SELECT sum(a.i * b.i) AS x FROM range(10000000000) a(i), "
            "range(10000000000) b(i); CREATE VIEW late AS SELECT 1 AS x; CREATE TABLE t (x INTEGER)"
        )
    names = ["endless", "late", "t"]
    facts = facts_of_tables(warehouse, {("main", name): NOTHING for name in names})
    assert [facts["main", name].rows for name in names] == [None, None, 0]
    assert [list(facts["main", name].columns) for name in names] == [["x"]] * 3


def test_dagster_is_told_what_is_known_of_a_table_and_no_more() -> None:
    """Descriptions are found whatever the case of a column's name."""
    assert TableFacts().metadata() == {}
    told = TableFacts({"Id": "BIGINT", "b": "DATE"}, 0, "| a |").metadata({"id": "Its number."})
    columns = told["dagster/column_schema"].columns
    assert [(c.name, c.type, c.description) for c in columns] == [
        ("Id", "BIGINT", "Its number."),
        ("b", "DATE", None),
    ]
    assert told["dagster/row_count"] == 0
    assert told["sample"].value == "| a |"
