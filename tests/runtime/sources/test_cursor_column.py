"""How far a source has come, by the values of one column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from dataflow.sources.cursor_column import beyond_now, rows_between

PAST = datetime(2024, 1, 31, 10, tzinfo=UTC)
LATER = datetime(9999, 12, 31, tzinfo=UTC)
IN_VIENNA = pa.timestamp("us", "Europe/Vienna")


@pytest.mark.parametrize(
    ("kind", "past", "later"),
    [
        (pa.timestamp("us"), PAST.replace(tzinfo=None), LATER.replace(tzinfo=None)),
        (pa.timestamp("us", "UTC"), PAST, LATER),
        (IN_VIENNA, PAST, LATER - timedelta(days=1)),
        (pa.date32(), PAST.date(), LATER.date()),
    ],
    ids=str,
)
def test_a_moment_in_the_future_is_no_progress(kind: pa.DataType, past: Any, later: Any) -> None:
    """With or without a zone; what says nothing is in no future."""
    found = beyond_now(pa.chunked_array([pa.array([past, later, None], kind)]))
    assert found.to_pylist() == [False, True, False]
    assert beyond_now(pa.chunked_array([pa.array([past, None], kind)])) is None


@pytest.mark.parametrize("values", [[2**40], ["9999-12-31"]])
def test_what_is_no_moment_is_not_compared_with_now(values: list[Any]) -> None:
    """Numbers and texts are as far as they are."""
    assert beyond_now(pa.chunked_array([values])) is None


@pytest.mark.parametrize(
    ("start", "until", "kept"),
    [
        (date(2024, 1, 2), None, ["2024-01-02", "2024-01-03", "odd"]),
        (None, date(2024, 1, 2), ["2024-01-01", "odd"]),
        (date(2024, 1, 2), date(2024, 1, 3), ["2024-01-02", "odd"]),
        (None, None, ["2024-01-01", "2024-01-02", "2024-01-03", None, "odd"]),
    ],
)
def test_rows_from_a_start_on_and_before_an_end(
    start: date | None, until: date | None, kept: list[str | None]
) -> None:
    """What has no value is left out as a database does; what is no value belongs to nobody yet."""
    days = [date(2024, 1, day) for day in (1, 2, 3)]
    came = pa.table({"day": [*map(str, days), None, "odd"]})
    values = pa.chunked_array([pa.array([*days, None, None], pa.date32())])
    table, said = rows_between(came, "day", values, start, until)
    assert table["day"].to_pylist() == kept
    assert len(said) == len(kept)
