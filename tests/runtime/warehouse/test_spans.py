"""The rows that are about to come again are deleted, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.kind import Span
from dataflow.warehouse.spans import delete_span

DAYS = "('2024-01-01'), ('2024-01-02'), ('2024-01-03'), (NULL)"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def left(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("SELECT CAST(day AS VARCHAR) FROM t ORDER BY 1 NULLS LAST")
    return [value for (value,) in rows.fetchall()]


@pytest.mark.parametrize("kind", ["VARCHAR", "DATE"])
@pytest.mark.parametrize(
    ("since", "until", "kept"),
    [
        ("2024-01-02", None, [1, None]),
        (None, "2024-01-02", [2, 3, None]),
        ("2024-01-02", "2024-01-03", [1, 3, None]),
        ("2024-01-02T00:00:00", "2024-01-03 00:00:00", [1, 3, None]),
        (None, None, []),
    ],
)
def test_rows_from_a_start_on_and_before_an_end(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    since: str | None,
    until: str | None,
    kept: list[int | None],
) -> None:
    """Texts that are days are compared as such; a row without a value stays, unless all go."""
    connection.execute(f"CREATE TABLE t (day {kind}); INSERT INTO t VALUES {DAYS}")
    delete_span(connection, "t", Span("Day", since, until))
    assert left(connection) == [number and f"2024-01-0{number}" for number in kept]


@pytest.mark.parametrize("other", ["odd", None])
def test_texts_that_are_no_times_are_compared_as_texts(
    connection: duckdb.DuckDBPyConnection, other: str | None
) -> None:
    """Where one of them, or an end, is none."""
    connection.execute(f"CREATE TABLE t (day VARCHAR); INSERT INTO t VALUES {DAYS}")
    if other:
        connection.execute("INSERT INTO t VALUES ('odd')")
        delete_span(connection, "t", Span("day", "2024-01-02", None))
        assert left(connection) == ["2024-01-01", None]
    else:
        delete_span(connection, "t", Span("day", "2024-01-02", "3"))
        assert left(connection) == ["2024-01-01", None]


def test_what_cannot_be_compared_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """And so is a table with rows that lacks the column; without rows there is nothing to do."""
    connection.execute("CREATE TABLE t (day DATE); INSERT INTO t VALUES ('2024-01-01')")
    with pytest.raises(BadInputError, match="'soon' cannot be compared with 'day'"):
        delete_span(connection, "t", Span("day", "soon", None))
    with pytest.raises(BadInputError, match="no column 'hour'"):
        delete_span(connection, "t", Span("hour", "2024-01-01", None))
    assert len(left(connection)) == 1
    connection.execute("DELETE FROM t")
    delete_span(connection, "t", Span("hour", "2024-01-01", None))
