"""How far a source has come, by the values of one column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from dataflow.sources.cursor_column import (
    as_plain,
    beyond_now,
    of_other_shape,
    refuse_other_order,
    rows_between,
)
from dataflow.sources.errors import SourceDataError

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


def column(*values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind or pa.string())])


def test_values_that_arrow_and_python_put_in_order() -> None:
    """UUIDs are texts, and moments are of microseconds."""
    one = UUID(int=1)
    assert as_plain(column(one, None, kind=pa.uuid())).to_pylist() == [str(one), None]
    fine = as_plain(column(1_500, kind=pa.timestamp("ns", "UTC")))
    assert fine.type == pa.timestamp("us", "UTC")
    assert fine.to_pylist() == [datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]
    plain = column("a")
    assert as_plain(plain) is plain


@pytest.mark.parametrize(
    ("start", "asked"),
    [
        ("123", ["char_length(c) > 3"]),
        ("2024-01-31", []),
        ("abc", []),
        ("2024-01-31 10:00", ["substr(c, 11, 1) <> ' '"]),
        ("2024-01-31T10:00Z", ["substr(c, 11, 1) <> 'T'", "char_length(c) <> 17"]),
        ("2024-01-31T10:00+0200", ["substr(c, 11, 1) <> 'T'", "char_length(c) <> 21"]),
    ],
)
def test_texts_that_may_be_later_than_their_signs_say(start: str, asked: list[str]) -> None:
    """Longer numbers, and moments of another form."""
    assert of_other_shape("c", start) == asked
    assert of_other_shape("c", "12", "length") == ["length(c) > 2"]


@pytest.mark.parametrize(
    ("values", "start", "said"),
    [
        ((), None, ""),
        ((None,), "5", ""),
        (("8", "9"), None, ""),
        (("10", "9"), None, "numbers"),
        (("10", None, "11"), "09", ""),
        (("10",), "9", "numbers"),
        (("a10", "a9"), None, ""),
        (("9", "a10"), None, ""),
        (("2024-01-01", "2024-01-02 10:00", None), None, ""),
        (("2024-01-01T10:00", "2024-01-02 10:00"), None, "times"),
        (("2024-01-01 10:00", "2024-01-02"), "2024-01-01", ""),
        (("b1", "c"), "b", ""),
        (("b1", "c"), "c", "comes before"),
        (("b", "c"), 5, ""),
    ],
)
def test_texts_in_another_order_than_what_they_stand_for(
    values: tuple[str | None, ...], start: Any, said: str
) -> None:
    """They are refused, since what is new cannot be told by them."""
    if not said:
        refuse_other_order("v", column(*values), start)
        return
    with pytest.raises(SourceDataError, match=said):
        refuse_other_order("v", column(*values), start)
