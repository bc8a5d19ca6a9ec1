"""APIs are read whole, page by page over a real socket, or refused with a clear word."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.runtime.sources.api_fixtures import ROWS, Api

from dataflow.shared.config_model import Parameters
from dataflow.shared.tables import row_count
from dataflow.sources.api.reader import KIND
from dataflow.sources.api.settings import ApiSource
from dataflow.sources.errors import (
    SourceDataError,
    SourceError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.kind import ReadRequest
from dataflow.sources.read import read_source

# What a step may wait at most between tries, so that tests are quick.
QUICK = {"max_retries": 3, "timeout_seconds": 5}
pytestmark = pytest.mark.usefixtures("quick")


def read_api(url: str, batch_size: Any = 10, last_value: Any = None, **source: Any) -> Any:
    parameters = {**QUICK, "batch_size": batch_size}
    return read_source({"type": "api", "url": url, **source}, parameters, last_value)


def ids(result: Any) -> list[int]:
    return [row["id"] for row in result["data"].to_pylist()]


@pytest.mark.parametrize("name", ["page", "offset", "cursor", "link", "next"])
def test_paging_that_can_be_proven_is_detected(api: Api, name: str) -> None:
    """Link headers, links and cursors in the answer, and totals lead to all records, once each."""
    result = read_api(api.url(name))
    assert ids(result) == list(range(25))
    assert result["metadata"]["record_count"] == 25
    assert len(api.server.requests) == 3


@pytest.mark.parametrize("rows", [0, 7, 10, 11])
@pytest.mark.parametrize("name", ["page", "offset", "cursor", "next"])
def test_few_records_are_all_records(server: Any, say: Any, name: str, rows: int) -> None:
    """No page, one page, a full page and one more record are read to their end."""
    api = Api(server, say, ROWS[:rows])
    assert ids(read_api(api.url(name))) == list(range(rows))


@pytest.mark.parametrize("name", ["plain", "more"])
def test_paging_that_cannot_be_proven_is_asked_for(api: Api, name: str) -> None:
    """An answer that may be the first of many is refused, naming the setting that decides."""
    with pytest.raises(SourceSettingError, match="10 records") as caught:
        read_api(api.url(name))
    assert "paging.type" in caught.value.instruction


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "paging"),
    [
        ("page", {"type": "page_number"}),
        ("page", {"type": "page_number", "total_path": "total"}),
        ("plain", {"type": "page_number"}),
        ("offset", {"type": "offset"}),
        ("offset", {"type": "offset", "total_path": "meta.total"}),
        ("more", {"type": "offset", "page_param": "skip", "page_size_param": "take"}),
        ("cursor", {"type": "cursor", "cursor_path": "next_cursor", "cursor_param": "cursor"}),
        ("next", {"type": "cursor", "cursor_path": "next"}),
        ("link", {"type": "link_header"}),
    ],
)
@pytest.mark.parametrize("batch_size", [5, 10, 100])
def test_paging_as_told(api: Api, name: str, paging: dict[str, Any], batch_size: int) -> None:
    """Every way of paging reads all records, whether the server keeps to the asked size or not."""
    settings = {**paging}
    if name == "plain" and batch_size == 5:
        settings["page_size_param"] = "per_page"
    assert ids(read_api(api.url(name), batch_size, paging=settings)) == list(range(25))


def test_no_paging_reads_one_answer(api: Api) -> None:
    """`none` takes the first answer for all; a total that says otherwise is told."""
    result = read_api(api.url("page"), paging={"type": "none"})
    assert ids(result) == list(range(10))
    assert "25 records in all" in result["metadata"]["notes"][0]


def test_batch_size_is_asked_for(api: Api) -> None:
    """`batch_size` goes into the parameter for it, with the source's own parameters."""
    read_api(
        api.url("page"),
        batch_size=7,
        params={"status": "open", "tag": ["a", "b"]},
        headers={"X-Team": "data"},
        paging={"type": "page_number", "page_size_param": "per_page"},
    )
    request = api.server.requests[0]
    assert request.query["per_page"] == "7"
    assert (request.query["status"], request.query["tag"]) == ("open", "b")
    assert request.headers["x-team"] == "data"


def test_records_are_found_by_path(server: Any, say: Any) -> None:
    """`data_path` names the list; a wrong path says what there is instead."""
    document = {"a": {"rows": [{"id": 1}]}, "b": [{"x": 1}], "total": 1}
    url = server.answer("/x", say(json.dumps(document)))
    assert ids(read_api(url, data_path="a.rows", paging={"type": "none"})) == [1]
    with pytest.raises(SourceDataError, match=r"nothing at 'a\.row'; it has 'a', 'b', 'total'"):
        read_api(url, data_path="a.row", paging={"type": "none"})
    with pytest.raises(SourceDataError, match=r"several lists of records: a\.rows, b"):
        read_api(url, paging={"type": "none"})


def test_what_stands_beside_the_records_is_not_taken_for_them(server: Any, say: Any) -> None:
    """`data` beside `links`, as Laravel writes it, and beside `included`, is plain."""
    links = [{"url": None, "label": "1"}]
    for beside in ({"links": links}, {"included": [{"id": 9}]}, {"errors": [], "facets": links}):
        document = {"data": [{"id": 1}], **beside}
        url = server.answer("/x", say(json.dumps(document)))
        assert ids(read_api(url, paging={"type": "none"})) == [1]
        url = server.answer("/x", say(json.dumps({**document, "data": []})))
        assert ids(read_api(url, paging={"type": "none"})) == []


def test_a_map_of_records_is_read_where_the_settings_say_so(server: Any, say: Any) -> None:
    """One record for each key, with the key as a column."""
    document = {"rates": {"EUR": {"v": 1}, "PLN": {"v": 4}}}
    url = server.answer("/x", say(json.dumps(document)))
    found = read_api(url, data_path="rates", records="map", paging={"type": "none"})
    assert found["data"].to_pylist() == [{"key": "EUR", "v": 1}, {"key": "PLN", "v": 4}]


@pytest.mark.parametrize("document", [[1, 2], "text", 5, {"data": [{"id": 1}, None]}])
def test_values_that_are_no_objects_are_refused(server: Any, say: Any, document: Any) -> None:
    """Records must be objects."""
    with pytest.raises(SourceDataError, match="not objects"):
        read_api(server.answer("/x", say(json.dumps(document))), paging={"type": "none"})


def test_one_object_is_one_record(server: Any, say: Any) -> None:
    """An answer without any list is itself the record."""
    assert ids(read_api(server.answer("/x", say('{"id": 7, "at": "2020-01-01"}')))) == [7]


def test_types_are_found_over_all_pages(server: Any, say: Any) -> None:
    """A type that changes between pages widens the column; nested values stay nested."""
    pages = [
        say(json.dumps([{"id": 1, "v": 1, "o": {"a": 1}, "m": 1, "d": "2020-01-01"}])),
        say(json.dumps([{"id": 2, "v": 1.5, "o": {"b": [2]}, "m": "x", "d": "2020-01-02"}])),
        say("[]"),
    ]
    url = server.answer("/x", *pages)
    result = read_api(url, paging={"type": "page_number"})
    table = result["data"]
    assert table["v"].to_pylist() == [1.0, 1.5]
    assert table["o"].to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": [2]}]
    assert table["m"].to_pylist() == ["1", "x"]
    assert str(table.schema.field("d").type) == "date32[day]"
    assert any("'m'" in note for note in result["metadata"]["notes"])


# Faults


@pytest.mark.parametrize("fault", ["reset", "500", "503", "429"])
def test_passing_faults_are_tried_again(server: Any, say: Any, fault: str) -> None:
    """A fault on any page that passes leaves no trace in the data."""
    first = say('{"items": [{"id": 1}], "total": 2, "page": 1}')
    second = say('{"items": [{"id": 2}], "total": 2, "page": 2}')
    faults = {
        "reset": say(second.body, cut=10),
        "500": say("<html>", 500),
        "503": say("", 503, {"Retry-After": "0"}),
        "429": say("", 429),
    }
    url = server.answer("/x", faults[fault], first, faults[fault], faults[fault], second)
    assert ids(read_api(url)) == [1, 2]


@pytest.mark.slow
def test_retry_after_is_honoured(server: Any, say: Any) -> None:
    """The next try comes when the server said."""
    url = server.answer("/x", say("", 429, {"Retry-After": "1"}), say('[{"id": 1}]'))
    started = time.monotonic()
    read_api(url, paging={"type": "none"})
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("fault", ["reset", "500", "silent"])
def test_lasting_faults_are_one_clear_error(
    server: Any, say: Any, fault: str, caplog: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """After the last try there is one error with page and address, without query or secrets."""
    faults = {"reset": say("[]", cut=1), "500": say("", 500), "silent": say(silent=True)}
    url = server.answer("/x", faults[fault])
    source = {"type": "api", "url": f"{url}?sig=abcd1234", "params": {"access_token": "zyx987"}}
    with pytest.raises(SourceUnavailableError, match="Page 1 of .*/x could not be read in 2") as e:
        read_source(source, {"max_retries": 1, "timeout_seconds": 0.2, "batch_size": 10})
    said = str(e.value) + caplog.text + "".join(capfd.readouterr())
    assert "abcd1234" not in said
    assert "zyx987" not in said
    assert len(server.requests) == 2


def test_nobody_there(server: Any) -> None:
    """A refused connection says so."""
    server.stop()
    with pytest.raises(SourceUnavailableError, match="refused"):
        read_api(f"{server.url}/x")


def test_other_statuses_are_not_tried_again(server: Any) -> None:
    """404 on the first page is an error at once."""
    with pytest.raises(SourceUnavailableError, match="Page 1 of .* 404"):
        read_api(f"{server.url}/x", paging={"type": "page_number"})
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", ["<html></html>", '[{"id": 1}, {"id"', ""])
def test_malformed_json_is_named(server: Any, say: Any, body: str) -> None:
    """What is not JSON is an error with the page and the media type that came."""
    url = server.answer("/x", say('[{"id": 1}]'), say(body, headers={"Content-Type": "text/html"}))
    with pytest.raises(SourceDataError, match=r"Page 2 of .*/x is not JSON \(text/html\)"):
        read_api(url, paging={"type": "page_number"})


@pytest.mark.parametrize(
    "paging",
    [
        {"type": "page_number"},
        {"type": "offset"},
        {"type": "cursor", "cursor_path": "cursor", "cursor_param": "after"},
    ],
)
def test_repeated_page_is_refused(server: Any, say: Any, paging: dict[str, Any]) -> None:
    """A server that ignores the parameters and repeats itself is found out on the second page."""
    document = {"rows": [{"id": 1}, {"id": 2}], "cursor": "abc"}
    url = server.answer("/x", say(json.dumps(document)))
    with pytest.raises(SourceDataError, match="Page 2 of .* same 2 records"):
        read_api(url, paging=paging)


def test_missing_page_is_refused(server: Any, say: Any) -> None:
    """Fewer records than the API itself counts are an error, not a smaller table."""
    pages = [
        say('{"items": [{"id": 1}, {"id": 2}], "total": 5}'),
        say('{"items": [{"id": 3}], "total": 5}'),
        say('{"items": [], "total": 5}'),
    ]
    url = server.answer("/x", *pages)
    with pytest.raises(SourceDataError, match="there are 5 records, and 3 came in 3 pages"):
        read_api(url, paging={"type": "page_number", "total_path": "total"})


def test_missing_total_is_refused(api: Api) -> None:
    """A `total_path` that leads nowhere says so."""
    with pytest.raises(SourceDataError, match="no total at 'count'"):
        read_api(api.url("page"), paging={"type": "page_number", "total_path": "count"})


def test_wrong_cursor_path_is_refused(api: Api) -> None:
    """A full first page without the cursor's key does not pass for the whole."""
    paging = {"type": "cursor", "cursor_path": "next_cursr", "cursor_param": "cursor"}
    with pytest.raises(SourceDataError, match="nothing at 'next_cursr'"):
        read_api(api.url("cursor"), paging=paging)


def test_cursor_that_stands_still_is_refused(server: Any, say: Any) -> None:
    """Empty pages that name the same next page for ever are found out."""
    url = server.answer("/x", say('{"rows": [], "next": "/x?c=1"}'))
    with pytest.raises(SourceDataError, match="read before"):
        read_api(url, paging={"type": "cursor", "cursor_path": "next"})


@pytest.mark.parametrize("how", ["link", "redirect"])
def test_credentials_do_not_go_to_other_hosts(
    server: Any, other_server: Any, say: Any, how: str
) -> None:
    """A next page or a redirection elsewhere is refused before anything is sent there."""
    away = other_server.answer("/x", say("[]"))
    answers = {
        "link": say('[{"id": 1}]', headers={"Link": f'<{away}>; rel="next"'}),
        "redirect": say("", 302, {"Location": away}),
    }
    url = server.answer("/x", answers[how])
    with pytest.raises((SourceError, SourceSettingError), match=r"another host|has moved"):
        read_api(url, auth_type="api_key", api_key="k-123456")
    assert len(server.requests) == 1
    assert other_server.requests == []


@pytest.mark.parametrize(
    ("limit", "rows", "whole"), [(5, 10, False), (10, 10, False), (21, 25, True), (99, 25, True)]
)
def test_a_limit_ends_with_a_page(api: Api, limit: int, rows: int, whole: bool) -> None:
    """An inspection gets the pages that have what it asks for, and knows whether these are all."""
    settings = ApiSource(type="api", url=api.url("page"))
    extracted = KIND.read(settings, ReadRequest(Parameters(batch_size=10), limit=limit))
    assert (row_count(extracted.data), extracted.whole) == (rows, whole)
    assert len(api.server.requests) == rows // 10 + rows % 10 // 5


# Incremental


def test_incremental_goes_on_where_it_ended(server: Any, say: Any) -> None:
    """The last value is sent next time; rows at it come once, late ones and new ones come."""
    old = [{"id": 1, "at": "2020-01-01T00:00:00Z"}, {"id": 2, "at": "2020-01-02T00:00:00Z"}]
    late = {"id": 3, "at": "2020-01-02T00:00:00Z"}
    new = {"id": 4, "at": "2020-01-02T12:00:00+02:00"}
    url = server.answer("/x", say(json.dumps(old)), say(json.dumps([old[1], late, new])))
    settings = {"cursor_field": "at", "param": "since", "initial_value": "2019-01-01"}
    first = read_api(url, incremental=settings, paging={"type": "none"})
    assert server.requests[0].query["since"] == "2019-01-01"
    assert ids(first) == [1, 2]
    saved = json.loads(json.dumps(first["metadata"]["last_value"]))
    second = read_api(url, last_value=saved, incremental=settings, paging={"type": "none"})
    assert server.requests[1].query["since"] == "2020-01-02T00:00:00Z"
    assert ids(second) == [3, 4]
    assert second["metadata"]["last_value"]["value"] == "2020-01-02T12:00:00+02:00"


def test_nothing_new_keeps_the_last_value(server: Any, say: Any) -> None:
    """A run without new records ends where it began."""
    url = server.answer("/x", say('[{"id": 5}]'), say("[]"), say('[{"id": 5}]'))
    settings = {"cursor_field": "id", "param": "after"}
    first = read_api(url, incremental=settings, paging={"type": "none"})["metadata"]["last_value"]
    for _ in range(2):
        again = read_api(url, last_value=first, incremental=settings, paging={"type": "none"})
        assert again["metadata"]["record_count"] == 0
        assert again["metadata"]["last_value"] == first
