"""An API that answers more than it was asked for adds nothing twice, and loses nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.sources.api_fixtures import ids, js, read_api
from tests.source_fixtures import Answer, Server

from dataflow.sources.errors import SourceDataError, SourceError, SourceSettingError
from dataflow.sources.incremental import Progress
from dataflow.sources.read import read_source
from dataflow.sources.row_identity import row_digest

NONE = {"type": "none"}
BY_AT = {"cursor_field": "at", "param": "since"}


def runs(server: Any, *days: Any, incremental: Any = None, **source: Any) -> list[list[Any]]:
    """The ids that each of several runs adds, when the API gives one of ``days`` each."""
    url = server.answer("/x", *(day if isinstance(day, Answer) else js(day) for day in days))
    added, last = [], None
    for _ in days:
        result = read_api(url, last, incremental=incremental or BY_AT, paging=NONE, **source)
        added.append(ids(result) if result["metadata"]["record_count"] else [])
        last = json.loads(json.dumps(result["metadata"].get("last_value")))
    return added


def at(number: int, moment: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "at": moment, **more}


def test_an_ignored_filter_adds_nothing_twice(server: Any) -> None:
    """Everything comes each time, and only what is new is taken."""
    first = [at(1, "2024-01-01T10:00:00Z"), at(2, "2024-01-02T10:00:00Z")]
    late = at(3, "2024-01-02T10:00:00Z")
    third = [*first, late, at(4, "2024-01-03T10:00:00Z")]
    assert runs(server, first, first, third, third) == [[1, 2], [], [3, 4], []]


def test_a_filter_by_day_adds_nothing_twice(server: Any) -> None:
    """Of the day that is asked for again, what lies before the last moment was read."""
    first = [at(1, "2024-01-02T08:00:00Z"), at(2, "2024-01-02T10:00:00Z")]
    second = [*first, at(3, "2024-01-02T11:00:00Z")]
    assert runs(server, first, second) == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        ({"price": 1.500}, {"price": 1.5}, False),
        ({"price": 2}, {"price": 2.0}, False),
        ({"price": 1e2}, {"price": 100}, False),
        ({"price": None}, {}, False),
        ({"in": {"a": 1, "b": None}}, {"in": {"a": 1.0}}, False),
        ({"on": "2024-01-01T00:00:00Z"}, {"on": "2024-01-01T01:00:00.000+01:00"}, False),
        ({"price": 1.5}, {"price": 1.51}, True),
        ({"price": "1.500"}, {"price": "1.5"}, False),
        ({"price": "1.500"}, {"price": 1.5}, False),
        ({"price": "-0.50"}, {"price": -0.5}, False),
        ({"code": "007"}, {"code": "7"}, True),
        ({"flag": True}, {"flag": 1}, True),
    ],
)
def test_rows_at_the_border_are_compared_by_value(
    server: Any, before: Any, after: Any, again: bool
) -> None:
    """Numbers and moments by what they are; texts as they are written."""
    moment = "2024-01-02T10:00:00Z"
    added = runs(server, [at(1, moment, **before)], [at(1, moment, **after)])
    assert added == [[1], [1] if again else []]


def test_texts_of_rows_without_an_id_stay_texts(server: Any) -> None:
    """Two versions of the same day are two rows."""
    days = [[{"at": "2024-01-02", "version": "1.10"}], [{"at": "2024-01-02", "version": "1.1"}]]
    url = server.answer("/x", *map(js, days))
    first = read_api(url, incremental=BY_AT, paging=NONE)
    second = read_api(url, first["metadata"]["last_value"], incremental=BY_AT, paging=NONE)
    assert [row["version"] for row in second["data"].to_pylist()] == ["1.1"]


@pytest.mark.slow
def test_a_csv_is_compared_by_its_types(server: Any) -> None:
    """Numbers that are written in another way are no new rows."""
    days = ["id,at,v\n1,2024-01-01,1.500\n2,2024-01-02,2.50\n", "id,at,v\n2,2024-01-02,2.5\n"]
    answers = [Answer(day, headers={"Content-Type": "text/csv"}) for day in days]
    assert runs(server, *answers) == [[1, 2], []]


def test_declared_types_decide(server: Any) -> None:
    """A text in a column of numbers is a number."""
    types = {"price": "DECIMAL(10,2)", "code": "VARCHAR"}
    same = row_digest({"price": "1.500", "code": "1.5"}, types)
    assert same == row_digest({"price": 1.5, "code": "1.5"}, types)
    assert same == row_digest({"price": "1.5", "code": "1.5"}, types)
    assert same != row_digest({"price": "1.5", "code": "1.500"}, types)


CONTRACT = {
    "id": {"type": "bigint"},
    "moment": {"type": "date", "source": "at"},
    "price": {"type": "decimal(10,3)"},
}


@pytest.mark.parametrize("media", ["application/json", "text/csv"])
def test_the_contract_decides_what_is_the_same(server: Any, media: str) -> None:
    """`"1.500"`, `"1.5"` and 1.5 are one number where the contract says number."""
    written = ['"1.500"', '"1.5"', "1.5"]
    days = [
        f'[{{"id": 1, "at": "2024-01-02", "price": {price}}}]'
        if media == "application/json"
        else f"id,at,price\n1,2024-01-02,{price}\n"
        for price in written
    ]
    answers = [Answer(day, headers={"Content-Type": media}) for day in days]
    source = {
        "type": "api",
        "url": server.answer("/x", *answers),
        "incremental": BY_AT,
        "paging": NONE,
    }
    last, counts = None, []
    for _ in days:
        result = read_source({"source": source, "columns": CONTRACT}, {}, last)
        counts.append(result["metadata"]["record_count"])
        last = json.loads(json.dumps(result["metadata"]["last_value"]))
    assert counts == [1, 0, 0]


def test_ids_that_are_texts_have_the_order_of_numbers(server: Any) -> None:
    """`"10"` comes after `"9"`: nothing is lost."""
    by_id = {"cursor_field": "id", "param": "after"}
    days = [[{"id": "9"}], [{"id": "9"}, {"id": "10"}], [{"id": "9"}, {"id": "10"}, {"id": 11}]]
    added = runs(server, *days, incremental=by_id)
    assert added == [["9"], ["10"], [11]]
    assert [request.query.get("after") for request in server.requests] == [None, "9", "10"]


def test_dates_that_have_no_order_as_texts_are_refused(server: Any) -> None:
    """By name, before anything is lost or comes twice."""
    days = [[at(1, "31/01/2024")], [at(1, "31/01/2024"), at(2, "01/02/2024")]]
    with pytest.raises(SourceDataError, match="dates that cannot be put in order"):
        runs(server, *days)


@pytest.mark.parametrize("far", ["9999-12-31", "9999-12-31T23:59:59Z", "2999-01-01T00:00:00"])
def test_a_date_in_the_future_is_no_progress(server: Any, far: str) -> None:
    """It is read once, and what comes after it is not lost."""
    first = [at(1, "2024-01-01T00:00:00Z"), at(2, far)]
    second = [*first, at(3, "2024-01-02T00:00:00Z")]
    assert runs(server, first, second, second) == [[1, 2], [3], []]
    assert [request.query.get("since") for request in server.requests] == [
        None,
        "2024-01-01T00:00:00Z",
        "2024-01-02T00:00:00Z",
    ]


def test_only_dates_in_the_future(server: Any) -> None:
    """There is no progress, and no row comes twice."""
    rows = [at(1, "9999-12-31"), at(2, "9999-12-31")]
    assert runs(server, rows, [*rows, at(3, "9999-12-31")]) == [[1, 2], [3]]


def test_a_clock_that_runs_ahead_is_progress(server: Any) -> None:
    """A day in the future is no sign of a date without meaning; a number never is."""
    tomorrow = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    assert runs(server, [at(1, tomorrow)], [at(1, tomorrow)]) == [[1], []]
    assert server.requests[1].query["since"] == tomorrow
    numbers = {"cursor_field": "id", "param": "after"}
    assert runs(server, [{"id": 99991231}], [{"id": 5}], incremental=numbers) == [[99991231], []]


def test_rows_without_a_value_come_once(server: Any) -> None:
    """They are known by what they hold."""
    rows = [at(1, "2024-01-01T00:00:00Z"), {"id": 2}, {"id": 3, "at": None}]
    assert runs(server, rows, [*rows, {"id": 4}]) == [[1, 2, 3], [4]]


@pytest.mark.slow
def test_too_many_rows_without_a_value_are_refused_when_they_come_again(server: Any) -> None:
    """The first run has them; later ones say that they cannot tell."""
    rows: list[Any] = [{"id": number} for number in range(10_001)]
    with pytest.raises(SourceDataError, match="which are new cannot be told"):
        runs(server, [*rows, at(-1, "2024-01-01")], rows)


def test_the_border_of_an_earlier_release_is_known() -> None:
    """What 0.1 saved is understood: nothing comes twice after an update."""
    row = {"id": 1, "at": "2024-01-01", "v": 1.5}
    # As 0.1 made it: of the row's JSON.
    digest = hashlib.blake2b(json.dumps(row, sort_keys=True).encode(), digest_size=8).hexdigest()
    saved = {"value": "2024-01-01", "seen": [digest]}
    assert not Progress("at", saved).admit("2024-01-01", row)


_MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 4)).map(
    lambda moment: moment.replace(microsecond=0).isoformat() + "Z"
)


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(_MOMENTS | st.sampled_from(["2024-01-02T00:00:00Z", "9999-01-01"]), max_size=5),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["all", "day", "exact"]),
)
def test_appended_rows_are_those_of_the_api(
    api_server: Server, days: list[list[str]], how: str
) -> None:
    """Whatever an API makes of its filter: rows that come in order are there once each."""
    # A row that comes later has a later moment, as with every measure of progress.
    flat = sorted(moment for day in days for moment in day)
    rows = [{"id": number, "at": moment} for number, moment in enumerate(flat)]
    ends = [sum(map(len, days[: number + 1])) for number in range(len(days))]
    there: list[dict[str, Any]] = []

    def answer(request: Any) -> Answer:
        since = request.query.get("since", "")
        since = {"all": "", "day": since[:10]}.get(how, since)
        return js([row for row in there if row["at"] >= since])

    api_server.routes["/incremental"] = answer
    got, last = [], None
    for end in ends:
        there = rows[:end]
        try:
            result = read_api(f"{api_server.url}/incremental", last, incremental=BY_AT, paging=NONE)
        except SourceError:
            raise AssertionError("a good run stopped") from None
        got += ids(result) if result["metadata"]["record_count"] else []
        last = json.loads(json.dumps(result["metadata"].get("last_value")))
    assert sorted(got) == [row["id"] for row in rows]


def test_a_field_that_no_record_has_is_refused(server: Any) -> None:
    """Without it everything is read for ever; once it has been met, records may lack it."""
    url = server.answer("/x", js([{"id": 1, "updated_at": "2024-01-01"}]), js([{"id": 2}]), js([]))
    asked = {"cursor_field": "updated", "param": "since"}
    with pytest.raises(SourceSettingError, match="field 'updated'") as caught:
        read_api(url, None, incremental=asked, paging=NONE)
    assert "Did you mean `updated_at`?" in caught.value.reason
    assert "id, updated_at" in caught.value.instruction
    known = read_api(url, {"value": "2024-01-01"}, incremental=asked, paging=NONE)
    assert "no progress" in known["metadata"]["notes"][0]
    assert read_api(url, None, incremental=asked, paging=NONE)["metadata"]["record_count"] == 0
