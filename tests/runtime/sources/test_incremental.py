"""How far a source was read: no row is lost, and none comes twice, whatever the values are."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.incremental import Progress, set_by_hand
from dataflow.sources.window import Window


def admitted(progress: Progress, values: list[Any]) -> list[int]:
    """The positions of the rows that are new."""
    rows = [{"id": number, "v": value} for number, value in enumerate(values)]
    return [row["id"] for row in rows if progress.admit(row["v"], row)]


@pytest.mark.parametrize(
    ("values", "last"),
    [
        ([1, 3, 2], 3),
        ([9, 10.5, 10], 10.5),
        ([Decimal("1.5"), Decimal("10.25")], "10.25"),
        (["a", "c", "b"], "c"),
        # Times are compared as times: with zones, and with days.
        (["2024-01-01T12:00:00+00:00", "2024-01-01T13:00:00+02:00"], "2024-01-01T12:00:00+00:00"),
        (["2024-01-02", "2024-01-01T23:00:00"], "2024-01-02"),
        ([date(2024, 1, 2), date(2024, 1, 10)], "2024-01-10"),
        ([datetime(2024, 1, 2, tzinfo=UTC)], "2024-01-02T00:00:00+00:00"),
        # A number and a text are compared as texts.
        (["10", 9], 9),
    ],
)
def test_the_largest_value_is_kept(values: list[Any], last: Any) -> None:
    """Every row of a first run is new, and the largest value is where the next one starts."""
    progress = Progress("v")
    assert admitted(progress, values) == list(range(len(values)))
    saved = progress.saved()
    assert saved is not None
    assert json.loads(json.dumps(saved))["value"] == last


def test_rows_at_the_border_come_once() -> None:
    """Those at the last value that were read before are known; others at it are new."""
    first = Progress("v")
    admitted(first, [1, 2, 2])
    second = Progress("v", first.saved())
    # Rows 1 and 2 are those of before; 3 has the same value, 0 is a late one, 4 is new.
    assert admitted(second, [1, 2, 2, 2, 3]) == [0, 3, 4]
    saved = second.saved()
    assert saved is not None
    assert (saved["value"], len(saved["seen"])) == (3, 1)
    third = Progress("v", second.saved())
    assert admitted(third, []) == []
    assert third.saved() == saved


def test_rows_at_the_border_come_once_behind_a_greater_value() -> None:
    """A source that gives its newest rows first, as APIs and views do, gives none twice."""
    first = Progress("v")
    rows = [{"n": number, "v": value} for number, value in enumerate([1, 2, 2])]
    assert all(first.admit(row["v"], row) for row in rows)
    second = Progress("v", first.saved())
    newest_first = [{"n": 4, "v": 3}, {"n": 3, "v": 2}, *reversed(rows[1:])]
    assert [second.admit(row["v"], row) for row in newest_first] == [True, True, False, False]


@pytest.mark.parametrize(("row", "new"), [({"item": "tea"}, 2), ({"id": 7}, 0)])
def test_equal_rows_at_the_border_count(row: dict[str, Any], new: int) -> None:
    """Two more sales like one of before are two sales; a row with an id is the one of before."""

    def new_of(times: int, saved: Any) -> tuple[int, Any]:
        progress = Progress("day", saved)
        table = pa.table(
            {"day": [date(2024, 1, 2)] * times, **{k: [v] * times for k, v in row.items()}}
        )
        return progress.admit_table(table, []).num_rows, json.loads(json.dumps(progress.saved()))

    came, saved = new_of(1, None)
    assert came == 1
    came, saved = new_of(3, saved)
    assert came == new
    assert new_of(3, saved)[0] == 0
    # What releases before this one saved does not tell how often a row came.
    del saved["times"]
    assert new_of(9, saved)[0] == 0


def test_a_digest_counts_only_at_the_value_where_it_was_met() -> None:
    """A row that is equal to a known one, but at another value, is new."""
    progress = Progress("v", {"value": 1, "seen": digests_of({"id": 0})})
    assert progress.admit(2, {"id": 0})


def digests_of(row: dict[str, Any]) -> list[str]:
    progress = Progress("v")
    progress.admit(1, row)
    saved = progress.saved()
    assert saved is not None
    return list(saved["seen"])


def test_nulls_in_a_row_do_not_make_it_another() -> None:
    """A column that the source gets later, and that old rows lack, leaves them known."""
    seen = digests_of({"id": 0, "v": 1})
    assert not Progress("v", {"value": 1, "seen": seen}).admit(1, {"id": 0, "v": 1, "late": None})
    assert Progress("v", {"value": 1, "seen": seen}).admit(1, {"id": 0, "v": 1, "late": 0})


def test_a_plain_last_value_and_an_initial_one() -> None:
    """A value alone is a start too; an initial value is one only where nothing was read before."""
    assert Progress("v", 5, 1).start == 5
    assert Progress("v", None, 1).start == 1
    assert Progress("v", {"value": None}, 1).start == 1
    assert Progress("v").saved() is None
    assert Progress("v", None, 1).saved() == {"value": 1, "seen": []}


def test_a_row_without_a_value_is_always_new() -> None:
    """It says nothing about progress."""
    progress = Progress("v", {"value": 5, "seen": []})
    assert admitted(progress, [None, None]) == [0, 1]
    assert progress.value == 5


def test_too_many_rows_at_the_last_value_are_refused() -> None:
    """10,000 are kept in mind, and not one more."""
    progress = Progress("v")
    for number in range(10_000):
        progress.admit(1, {"id": number})
    assert progress.saved() is not None
    progress.admit(1, {"id": "one more"})
    with pytest.raises(SourceDataError, match="More than 10,000 rows"):
        progress.saved()


def test_a_table_is_told_as_its_rows_are() -> None:
    """Only new rows stay; rows without a value are counted in a note."""
    table = pa.table({"id": [0, 1, 2, 3], "V": [1, 2, 2, None]})
    first, notes = Progress("v"), list[str]()
    assert first.admit_table(table, notes).num_rows == 4
    assert notes == ["1 rows have no 'v'; such rows are read only the first time."]
    more = pa.table({"id": [1, 2, 4, 5], "V": [2, 2, 2, 3]})
    assert Progress("v", first.saved()).admit_table(more, []).column("id").to_pylist() == [4, 5]
    empty = pa.table({"id": [7], "V": pa.array([None], pa.int64())})
    assert Progress("v", first.saved()).admit_table(empty, []).num_rows == 1
    with pytest.raises(SourceSettingError, match="no column 'w'.*there are: id, V"):
        Progress("w").admit_table(table, [])


def reading(since: Any = None, until: Any = None, look_back: Any = None) -> Progress:
    """A source that was read up to 10, of which a part is asked for."""
    before = Progress("v")
    admitted(before, [9, 10])
    return Progress("v", before.saved(), window=Window(since, until, look_back))


def test_a_part_that_is_read_again_has_rows_that_were_read_before() -> None:
    """All rows from its start to its end, excluded, and none outside, whoever sends more."""
    progress = reading(since=8, until=10)
    assert (progress.start, progress.until) == (8, 10)
    assert admitted(progress, [7, 8, 9, 9, 10, 11]) == [1, 2, 3]
    assert progress.span == {"column": "v", "since": 8, "until": 10}


def test_a_part_in_the_past_does_not_move_the_watermark_back() -> None:
    """The next run goes on where the last ordinary one ended, and knows its rows."""
    part = reading(since=1, until=9)
    admitted(part, [2, 8])
    assert part.saved() == reading().saved()
    beyond = reading(since=1)
    admitted(beyond, [2, 12])
    assert (beyond.saved() or {})["value"] == 12
    assert reading(since=1).saved() == reading().saved()


def test_looking_back_begins_before_the_watermark() -> None:
    """Only where there is a watermark; the rows read again are known as a span."""
    progress = reading(look_back=2.5)
    assert progress.span == {"column": "v", "since": 7.5, "until": None}
    assert Progress("v", window=Window(look_back=2)).span is None
    assert Progress("v", None, 5, Window(look_back=2)).start == 5
    assert reading().span is None


def test_until_alone_ends_what_is_new() -> None:
    """Rows at the watermark are told apart as ever."""
    progress = reading(until=12)
    assert admitted(progress, [9, 11, 12]) == [0, 1]
    assert progress.span is None
    assert (progress.saved() or {})["value"] == 11


def test_parts_that_leave_rows_out_or_have_none_are_refused() -> None:
    """What lies between the watermark and a later start would never be read."""
    with pytest.raises(SourceSettingError, match="would leave out what comes after 10"):
        reading(since=11)
    for since, until in ((5, 5), (5, 4), (None, 10)):
        with pytest.raises(SourceSettingError, match="Nothing lies between"):
            reading(since, until)


def test_what_asks_a_database_for_a_part() -> None:
    """Both ends, one, or none; literals are the caller's."""
    literal = "<{}>".format
    assert Progress("v").condition("c", lambda _, value: literal(value)) == ("", {})
    clause, values = reading(3, 7).condition("c", lambda name, _: f":{name}")
    assert clause == " WHERE c >= :dataflow_start AND c < :dataflow_until"
    assert values == {"dataflow_start": 3, "dataflow_until": 7}


def test_after_a_value_set_by_hand_all_rows_from_it_on_come_again() -> None:
    """They are known as a span, so that none is there twice; then all is as ever."""
    progress = Progress("v", json.loads(json.dumps(set_by_hand(5))))
    assert progress.saved() is None
    assert admitted(progress, [4, 5, 9]) == [1, 2]
    assert progress.span == {"column": "v", "since": 5, "until": None}
    saved = progress.saved()
    assert saved is not None
    assert Progress("v", saved).span is None
    from_the_start = Progress("v", set_by_hand(None))
    assert admitted(from_the_start, [4, None]) == [0, 1]
    assert from_the_start.span == {"column": "v", "since": None, "until": None}
    looking_back = Progress("v", set_by_hand(5), window=Window(look_back=1))
    assert looking_back.start == 4


def test_rows_of_the_future_come_again_with_their_span() -> None:
    """Those in it are gone from the table when it is loaded; those without a value are not."""
    before = Progress("v")
    rows: list[dict[str, Any]] = [{"v": "9999-12-31"}, {"v": None}, {"v": "2024-01-02"}]
    assert [before.admit(row["v"], row) for row in rows] == [True, True, True]
    ordinary = Progress("v", before.saved())
    assert [ordinary.admit(row["v"], row) for row in rows] == [False, False, False]
    part = Progress("v", before.saved(), window=Window("2024-01-01"))
    assert [part.admit(row["v"], row) for row in rows] == [True, False, True]
    assert part.saved() == before.saved()
    part = Progress("v", before.saved(), window=Window("2024-01-01", "2024-01-02"))
    assert [part.admit(row["v"], row) for row in rows] == [False, False, False]
    assert part.saved() == before.saved()


def test_ids_of_an_api_that_are_texts_are_parts_in_the_order_of_numbers() -> None:
    """9 comes before 10 also where a part is chosen."""
    saved = {"value": "10", "seen": []}
    part = Progress("v", saved, window=Window(9), texts_are_numbers=True)
    assert [part.admit(value, {"v": value}) for value in ("8", "9", "10")] == [False, True, True]
