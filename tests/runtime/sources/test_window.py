"""Spans to read again: what may be written, and where they begin."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from dataflow.sources.database.settings import DatabaseIncremental
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.window import before, typed_value


@pytest.mark.parametrize(
    ("value", "span", "begins"),
    [
        (100, 10, 90),
        (100, "10", 90),
        (2.5, 1, 1.5),
        ("10.50", 0.25, "10.25"),
        ("2024-01-10", "2 days", "2024-01-08"),
        ("2024-01-10", "12 hours", "2024-01-09T12:00:00"),
        ("2024-01-10T00:00:00Z", "1 week", "2024-01-03T00:00:00Z"),
        ("2024-01-10T00:00:00+02:00", "90 minutes", "2024-01-09T22:30:00+02:00"),
        ("2024-01-10 08:00:00", "30 seconds", "2024-01-10 07:59:30"),
        (date(2024, 1, 10), "1 day", datetime(2024, 1, 9)),
        ("0001-01-02", "9 days", "0001-01-01"),
    ],
)
def test_a_span_is_taken_off_a_value_as_it_is_written(value: Any, span: Any, begins: Any) -> None:
    """Numbers stay numbers, and times keep their zone and their way of being written."""
    assert before(value, span) == begins


@pytest.mark.parametrize(
    ("value", "span"), [(10, "2 days"), ("2024-01-10", 2), ("abc", 2), ("abc", "2 days"), (True, 1)]
)
def test_a_span_of_another_kind_is_refused(value: Any, span: Any) -> None:
    """Two days before the number 10 is nothing."""
    with pytest.raises(SourceSettingError, match="look_back"):
        before(value, span)


def test_only_spans_are_taken_for_spans() -> None:
    """Months have no length, and nothing lies 0 before."""
    spans: tuple[Any, ...] = (1, 0.5, "2 days", "1 hour", "10")
    for span in spans:
        assert DatabaseIncremental(column="v", look_back=span).look_back == span
    others: tuple[Any, ...] = (0, -1, True, "1 month", "soon", [1])
    for span in others:
        with pytest.raises(ValueError, match="look back"):
            DatabaseIncremental(column="v", look_back=span)


def test_a_typed_value_is_a_number_where_it_looks_like_one() -> None:
    """And no more than that: versions, codes and days stay texts."""
    wanted = {"5": 5, "-5": -5, "1.5": 1.5, "007": "007", "1.2.3": "1.2.3", "1e3": "1e3", "": ""}
    assert {text: typed_value(text) for text in wanted} == wanted
