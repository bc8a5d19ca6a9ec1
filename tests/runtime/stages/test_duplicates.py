"""Rows that are equal to an earlier one are found, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest

from dataflow.shared.tables import to_arrow
from dataflow.stages import duplicates
from dataflow.stages.duplicates import find_repetitions, first_occurrences

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = {
    "numbers that tell rows apart": "SELECT i % 4990 AS id, 'x' || i % 3 AS name",
    "numbers that do not": "SELECT i % 7 AS kind, i % 3 AS other, 'x' || i % 4990 AS name",
    "texts alone": "SELECT 'a' || i % 4990 AS a, CASE WHEN i % 2 = 0 THEN 'b' END AS b",
    "no repetitions": "SELECT i AS id, 'x' AS name",
    "repetitions alone": "SELECT 1 AS id, NULL AS name",
    "values that are and are not the same": (
        "SELECT CASE i % 6 WHEN 0 THEN 0.0::DOUBLE WHEN 1 THEN -0.0::DOUBLE WHEN 2 THEN 'nan' "
        "WHEN 3 THEN '-nan' WHEN 4 THEN 1 END AS d, [i % 2, NULL] AS l, "
        "CASE WHEN i % 5 > 0 THEN repeat('x', 2000) || i % 5 END AS t"
    ),
    "no rows": "SELECT i AS id, 'x' AS name WHERE false",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize("at_once", [1 << 25, 1000])
@pytest.mark.parametrize("name", TABLES)
def test_they_are_those_that_comparing_all_columns_finds(
    connection: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    at_once: int,
) -> None:
    """Whichever columns tell rows apart, and in however many parts hashes are sorted."""
    monkeypatch.setattr(duplicates, "_HASHES_AT_ONCE", at_once)
    select, _, where = TABLES[name].partition(" WHERE ")
    connection.execute(
        f"CREATE TABLE rows_read AS SELECT (i * 7919) % 5003 AS n, * FROM "
        f"({select}, i FROM range(5000) r(i) {where and f'WHERE {where}'}) ORDER BY n"
    )
    connection.execute("ALTER TABLE rows_read DROP COLUMN i")
    names = [f'"{row[0]}"' for row in connection.execute("DESCRIBE rows_read").fetchall()][1:]
    found = find_repetitions(connection, "rows_read", names, "n")
    right = connection.execute(
        f"SELECT n FROM rows_read QUALIFY row_number() OVER "
        f"(PARTITION BY {', '.join(names)} ORDER BY n) > 1 ORDER BY n"
    ).fetchall()
    assert connection.execute("SELECT n FROM repetitions ORDER BY n").fetchall() == right
    assert found == len(right)


def test_the_first_of_equal_rows_stays() -> None:
    """Null equals null; a time is that of its moment, a decimal that of its value."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [
        {"at": at, "d": Decimal("1.10"), "l": [1, None]},
        {"at": None, "d": None, "l": None},
        {"at": at, "d": Decimal("1.1"), "l": [1, None]},
        {"at": None, "d": None, "l": None},
        {"at": at, "d": Decimal("1.11"), "l": [1, None]},
    ]
    kept = first_occurrences(to_arrow(rows))
    assert kept is not None
    assert kept.to_pylist() == [0, 1, 4]
    assert first_occurrences(to_arrow(rows[:2])) is None
