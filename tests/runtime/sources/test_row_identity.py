"""Whether a row that a source gives again is one that it gave before."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from dataflow.sources.row_identity import (
    earlier_digest,
    has_identity,
    horizon,
    is_beyond_now,
    moment_of,
    number_of,
    row_digest,
)

PLUS_2 = timezone(timedelta(hours=2))
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.500"), 1.5),
        (0, Decimal("-0.00")),
        (1, 1.0),
        (Decimal("1E+2"), 100),
        (NOON, "2024-01-01T14:00:00+02:00"),
        (NOON, NOON.astimezone(PLUS_2)),
        (NOON, datetime(2024, 1, 1, 12)),
        (date(2024, 1, 1), "2024-01-01"),
        ({"a": 1, "b": None}, {"a": Decimal("1.0")}),
        ([1, 2], (1.0, 2.0)),
    ],
)
def test_the_same_value(one: Any, other: Any) -> None:
    """However it is written, or in whichever zone."""
    assert row_digest({"a": one, "b": None}) == row_digest({"a": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        ("1.10", "1.1"),
        (1, True),
        (0, False),
        (time(1), "01:00:00"),
        (1, 2),
        (None, 0),
        (NOON, "20240101"),
        ([1], [2]),
        ({"a": "1.10"}, {"a": "1.1"}),
        ([None], []),
    ],
)
def test_another_value(one: Any, other: Any) -> None:
    """A text is another than a number; and so are versions."""
    assert row_digest({"a": one}) != row_digest({"a": other})


def test_texts_that_are_written_as_numbers() -> None:
    """They are numbers where a column is declared so, or a record is known by its id."""
    for kind in ("DOUBLE", "DECIMAL(10,2)", "BIGINT", "integer", "numeric", "REAL", "float"):
        assert row_digest({"a": " 1.50"}, {"a": kind}) == row_digest({"a": 1.5}, {"a": kind})
    for kind in ("VARCHAR", "DATE", "intervals", ""):
        assert row_digest({"a": "1.50"}, {"a": kind}) != row_digest({"a": 1.5}, {"a": kind})
    assert row_digest({"a": "007"}, {"a": "BIGINT"}) != row_digest({"a": 7}, {"a": "BIGINT"})
    assert row_digest({"id": 1, "a": "1.50"}) == row_digest({"id": 1, "a": 1.5})
    assert row_digest({"id": None, "a": "1.50"}) != row_digest({"id": None, "a": 1.5})
    half = {"a": "\ud83d"}
    assert row_digest(half) == row_digest(dict(half))


def test_a_row_has_an_identity() -> None:
    """By a value in one of the usual columns."""
    assert has_identity({"x": 1, "uuid": "a"})
    assert not has_identity({"x": 1, "id": None})


def test_what_an_earlier_release_saved_is_known() -> None:
    """It is the digest of the texts, whatever the order of the columns."""
    row = {"b": NOON, "a": 1, "c": None}
    assert earlier_digest(row) == earlier_digest({"a": 1, "b": str(NOON)})
    assert earlier_digest(row) != row_digest(row)
    assert len(earlier_digest(row)) == 16


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (" 2024-01-01 ", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01 12:00:00Z", NOON),
        (date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)),
        (datetime(2024, 1, 1, 14, tzinfo=PLUS_2), NOON),
        (datetime(1, 1, 1, tzinfo=PLUS_2), datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+02:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("2024-13-01", None),
        ("20240101", None),
        ("soon", None),
        (20240101, None),
        (None, None),
    ],
)
def test_the_moment_that_a_value_is(value: Any, moment: datetime | None) -> None:
    """In UTC; at the edge of the calendar, where another zone has no such day, as it stands."""
    assert moment_of(value) == moment


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, Decimal(1)),
        (1.5, Decimal("1.5")),
        (" +1.5e3 ", Decimal(1500)),
        (".5", Decimal("0.5")),
        (True, None),
        ("1,5", None),
        ("nan", None),
        (float("nan"), None),
        (float("inf"), None),
        ("1" * 400, Decimal("1" * 400)),
        ("1" * 401, None),
        (NOON, None),
        (None, None),
    ],
)
def test_the_number_that_a_value_is(value: Any, number: Decimal | None) -> None:
    """Or that a text is written as."""
    assert number_of(value) == number


def test_the_future_begins_in_two_days() -> None:
    """A clock may run ahead, and a day may have begun elsewhere."""
    now = datetime.now(UTC)
    assert timedelta(days=2) <= horizon() - now < timedelta(days=2, minutes=1)
    assert not is_beyond_now(now + timedelta(days=1, hours=23))
    assert is_beyond_now(now + timedelta(days=2, hours=1))
    assert is_beyond_now("9999-12-31")
    assert not is_beyond_now("soon")
