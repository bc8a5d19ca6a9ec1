"""What changed between two states of tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import duckdb
import pytest

from dataflow.warehouse.difference import TableDifference, compare_states

Compare = Callable[..., dict[str, TableDifference]]


@pytest.fixture
def compare() -> Compare:
    def compared(
        before: str, after: str, *, key: list[str] | None = None, ignored: tuple[str, ...] = ()
    ) -> dict[str, TableDifference]:
        with duckdb.connect() as connection:
            for name, statements in (("before", before), ("after", after)):
                connection.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
                connection.execute(f"CREATE SCHEMA raw; {statements}")
            connection.execute("USE memory")
            found = compare_states(connection, lambda _: [key] if key else [], ignored)
        return {table.table: table for table in found}

    return compared


def told(table: TableDifference) -> dict[str, Any]:
    """What there is to tell, without what is empty."""
    return {
        name: value for name, value in asdict(table).items() if value not in (None, [], {}, False)
    }


ROWS = "CREATE TABLE raw.t AS FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL)) AS v(id, name)"


def test_rows_are_told_apart_by_their_key(compare: Compare) -> None:
    """Added, gone and changed rows are counted, and the first few named; null is a value."""
    after = "CREATE TABLE raw.t AS FROM (VALUES (2, 'B'), (3, NULL), (4, 'd')) AS v(id, name)"
    assert told(compare(ROWS, after, key=["id"])["raw.t"]) == {
        "table": "raw.t",
        "status": "changed",
        "rows_before": 3,
        "rows_after": 3,
        "key": ["id"],
        "added": 1,
        "gone": 1,
        "changed": 1,
        "changed_by_column": {"name": 1},
        "keys": {"added": ["4"], "gone": ["1"], "changed": ["2"]},
    }


@pytest.mark.parametrize(
    "rows",
    [
        "(1, 'a'), (1, 'a'), (2, 'b')",  # the key is there twice
        "(1, 'a'), (NULL, 'a'), (2, 'b')",  # the key is missing
    ],
)
def test_without_a_key_rows_are_counted_by_all_values(compare: Compare, rows: str) -> None:
    """As often as they are there: one more of the same is one that was added."""
    after = f"CREATE TABLE raw.t AS FROM (VALUES {rows}) AS v(id, name)"
    found = compare(ROWS, after, key=["id"])["raw.t"]
    assert (found.key, found.added, found.gone, found.changed) == ([], 1, 1, None)


def test_a_key_that_has_another_type_now_tells_no_rows_apart(compare: Compare) -> None:
    """Rows are counted by their values then, as without a key."""
    after = ROWS.replace("AS FROM", "AS SELECT id::VARCHAR AS id, name FROM")
    found = compare(ROWS, after, key=["id"])["raw.t"]
    assert (found.key, found.changed, found.status) == ([], None, "changed")


def test_columns_are_compared(compare: Compare) -> None:
    """A number is the same number in a wider type; only columns in both have values to differ."""
    before = "CREATE TABLE raw.t AS SELECT 1 AS id, 5 AS n, 2 AS m, 'x' AS gone"
    after = (
        "CREATE TABLE raw.t AS SELECT 1 AS id, 5.0::DOUBLE AS n, '2' AS m, DATE '2024-01-01' AS d"
    )
    found = compare(before, after, key=["id"])["raw.t"]
    assert found.columns_added == ["d DATE"]
    assert found.columns_gone == ["gone VARCHAR"]
    assert found.columns_retyped == ["n INTEGER -> DOUBLE", "m INTEGER -> VARCHAR"]
    assert (found.status, found.added, found.gone, found.changed) == ("changed", 0, 0, 0)


def test_tables_come_and_go(compare: Compare) -> None:
    """With the rows they have; the library's own are not among them."""
    own = "CREATE SCHEMA dataflow; CREATE TABLE dataflow.state AS SELECT 1 AS n"
    found = compare(f"{ROWS}; {own}", 'CREATE TABLE raw."new T" AS SELECT 1 AS n')
    assert [told(table) for table in found.values()] == [
        {"table": "raw.new T", "status": "new", "rows_after": 1},
        {"table": "raw.t", "status": "gone", "rows_before": 3},
    ]


def test_of_a_view_the_columns_are_compared(compare: Compare) -> None:
    """It names the database that it was made in, where it would find other rows."""
    before, after = (f"{ROWS}; CREATE VIEW raw.v AS {q}" for q in ("FROM raw.t", "SELECT 1 AS id"))
    found = compare(before, after)
    assert told(found["raw.v"]) == {
        "table": "raw.v",
        "status": "changed",
        "columns_gone": ["name VARCHAR"],
        "query_changed": True,
    }
    assert found["raw.t"].status == "same"
    assert compare(before, before)["raw.v"].status == "same"


def test_what_changes_with_each_run_is_left_out(compare: Compare) -> None:
    """And named; a table that has nothing else is compared by its number of rows."""
    before, after = (f"CREATE TABLE raw.t AS SELECT {n} AS at FROM range({n})" for n in (2, 5))
    found = compare(before, after, ignored=("at",))["raw.t"]
    assert (found.added, found.gone, found.not_compared) == (3, 0, ["at"])


def test_a_key_of_two_columns_and_of_odd_names(compare: Compare) -> None:
    """Names are taken as they are."""
    table = (
        """CREATE TABLE raw.t AS FROM (VALUES (1, 'x', {}), (1, 'y', 5)) AS v("a b", "c""d", n)"""
    )
    found = compare(table.format(1), table.format(2), key=["a b", 'c"d'])["raw.t"]
    assert found.keys == {"changed": ["1, x"]}


@pytest.mark.parametrize(
    "kind", ["DOUBLE 'nan'", "[1, NULL]", "{'a': NULL}", "NULL", "'2024-01-01'::DATE"]
)
def test_a_value_is_the_same_as_itself(compare: Compare, kind: str) -> None:
    """Whatever it is."""
    table = f"CREATE TABLE raw.t AS SELECT 1 AS id, {kind} AS v"
    assert compare(table, table, key=["id"])["raw.t"].status == "same"
    assert compare(table, table)["raw.t"].status == "same"
