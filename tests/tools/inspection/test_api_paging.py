"""An API is looked at by asking it, and how it pages is found out and said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataflow.sources.read import read_source
from dataflow_tools.inspection.source_inspection import inspect_source


@pytest.mark.slow
def test_api_is_looked_at_without_reading_it_all(server: Any, say: Any) -> None:
    """Only the beginning of an API is read; nothing but the key is tested then."""

    def route(request: Any) -> Any:
        page = int(request.query.get("page", 1))
        rows = [{"id": page * 1000 + i, "kind": "ab"[i % 2]} for i in range(1000)]
        return say(json.dumps({"rows": rows, "total": 50_000, "page": page}))

    server.routes["/x"] = route
    inspection = inspect_source({"type": "api", "url": f"{server.url}/x"})
    assert len(server.requests) == 2
    assert (inspection.rows, inspection.whole) == (2000, False)
    assert inspection.columns[0].tests == ("unique", "not_null")
    assert inspection.columns[1].tests == ()
    assert any("first 2,000 rows" in note for note in inspection.notes)


@pytest.mark.slow
def test_a_bare_list_that_is_all_is_written_so(server: Any, say: Any) -> None:
    """It gives nothing else when asked for more: the first run reads it, and a note says so."""
    url = server.answer("/x", say('[{"id": 1}, {"id": 2}]'))
    inspection = inspect_source({"type": "api", "url": url})
    assert (inspection.rows, inspection.whole) == (2, True)
    assert inspection.answers()["source_settings"] == {"paging": {"type": "none"}}
    assert any("whether there are more than these 2 rows" in note for note in inspection.notes)


@pytest.mark.slow
@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("way", ["page", "offset", "starting_after"])
def test_paging_that_an_answer_does_not_tell_is_found_by_asking(
    server: Any, say: Any, way: str, base: int
) -> None:
    """Numbers from 0 and from 1, offsets, and the last id where `has_more` says there is more."""

    def route(request: Any) -> Any:
        number = int(request.query.get(way, {"page": base, "offset": 0}.get(way, -1)))
        start = {"page": (number - base) * 10, "offset": number}.get(way, number + 1)
        rows = [{"id": i, "v": f"x{i}"} for i in range(max(start, 0), min(start + 10, 25))]
        told = {"rows": rows, "has_more": start + 10 < 25} if way == "starting_after" else rows
        return say(json.dumps(told))

    server.routes["/x"] = route
    inspection = inspect_source({"type": "api", "url": f"{server.url}/x"})
    paging = inspection.answers()["source_settings"]["paging"]
    assert (inspection.rows, inspection.whole) == (25, True)
    assert way in (paging.get("page_param"), paging.get("cursor_param"))
    source = {"type": "api", "url": f"{server.url}/x", "paging": paging}
    assert read_source(source, {})["metadata"]["record_count"] == 25


@pytest.mark.slow
def test_a_token_that_leads_to_more_is_tried_as_a_parameter(server: Any, say: Any) -> None:
    """Such as Airtable's `offset`, a text in an answer that says nothing else of more."""

    def route(request: Any) -> Any:
        mark, _, number = request.query.get("offset", "").partition("/")
        start = int(number) if mark == "itr" else 0
        rows = [{"id": i} for i in range(start, min(start + 10, 25))]
        more = {"offset": f"itr/{start + 10}"} if start + 10 < 25 else {}
        return say(json.dumps({"records": rows, **more}))

    server.routes["/x"] = route
    url = f"{server.url}/x"
    paging = inspect_source({"type": "api", "url": url}).answers()["source_settings"]["paging"]
    assert paging == {"type": "cursor", "cursor_path": "offset", "cursor_param": "offset"}
    found = read_source({"type": "api", "url": url, "paging": paging}, {})
    assert found["metadata"]["record_count"] == 25


@pytest.mark.slow
def test_a_cursor_is_tried_in_other_parameters(server: Any, say: Any) -> None:
    """Such as Notion's `next_cursor`, which goes into `start_cursor`: `cursor` changes nothing."""

    def route(request: Any) -> Any:
        start = int(request.query.get("start_cursor", 0))
        more = {"has_more": start + 10 < 25, "next_cursor": str(start + 10)}
        return say(json.dumps({"results": [{"id": i} for i in range(25)][start:][:10], **more}))

    server.routes["/x"] = route
    inspection = inspect_source({"type": "api", "url": f"{server.url}/x"})
    paging = inspection.answers()["source_settings"]["paging"]
    assert paging["cursor_param"] == "start_cursor"
    assert (inspection.rows, inspection.whole) == (25, True)


@pytest.mark.slow
def test_an_offset_of_many_names_is_tried(server: Any, say: Any) -> None:
    """Such as ArcGIS's, whose pages behind the last one have `fields` and no features."""

    def route(request: Any) -> Any:
        start = int(request.query.get("resultOffset", 0))
        more = {"exceededTransferLimit": True} if start + 10 < 25 else {}
        found = [{"attributes": {"id": i}} for i in range(25)][start:][:10]
        return say(json.dumps({"fields": [{"name": "id"}], "features": found, **more}))

    server.routes["/x"] = route
    inspection = inspect_source({"type": "api", "url": f"{server.url}/x"})
    paging = inspection.answers()["source_settings"]["paging"]
    assert (paging["page_param"], inspection.rows) == ("resultOffset", 25)


@pytest.mark.slow
@pytest.mark.parametrize("path", [None, "rates"])
def test_an_answer_that_is_a_map_of_records_is_found(server: Any, say: Any, path: Any) -> None:
    """A key that comes tomorrow is a row then, and no column."""
    records = {name: {"name": name.upper(), "v": 1.5} for name in ("eur", "pln", "usd")}
    document = {"base": "chf", path: records} if path else records
    url = server.answer("/x", say(json.dumps(document)))
    inspection = inspect_source({"type": "api", "url": url})
    answers = inspection.answers()
    assert (inspection.rows, answers.get("data_path")) == (3, path)
    assert answers["source_settings"]["records"] == "map"
    assert any("one record for each key" in note for note in inspection.notes)


@pytest.mark.slow
def test_more_that_cannot_be_asked_for_is_said(server: Any, say: Any) -> None:
    """What the answer says of more is repeated, and no run takes the first page for all."""
    url = server.answer("/x", say('{"rows": [{"id": 1}, {"id": 2}], "has_more": true}'))
    inspection = inspect_source({"type": "api", "url": url})
    assert (inspection.rows, inspection.whole) == (2, False)
    assert "source_settings" not in inspection.answers()
    [note] = [note for note in inspection.notes if "paging.type" in note]
    assert "says by 'has_more' that there are more" in note


@pytest.mark.slow
def test_rows_that_change_with_each_request_are_no_proof(server: Any, say: Any) -> None:
    """A list in another order each time may be anything."""
    count = iter(range(1000))
    server.routes["/x"] = lambda _: say(json.dumps([{"v": next(count)} for _ in range(3)]))
    inspection = inspect_source({"type": "api", "url": f"{server.url}/x"})
    assert "source_settings" not in inspection.answers()
    assert not inspection.whole


@pytest.mark.slow
@pytest.mark.parametrize("parents", ['[{"id": 1}, {"id": 2}]', "pages"])
def test_paging_of_the_first_request_is_found_as_well(server: Any, say: Any, parents: str) -> None:
    """Where an API is asked for each record of another, both have to be read to their end."""

    def orders(request: Any) -> Any:
        number = int(request.query.get("page", 1))
        rows = [{"id": i} for i in range(1, 26)][(number - 1) * 10 : number * 10]
        return say(json.dumps(rows) if parents == "pages" else parents)

    def items(request: Any) -> Any:
        return say(json.dumps([{"sku": f"{request.path}/{n}"} for n in range(3)]))

    server.routes["/orders"] = orders
    server.routes |= {f"/orders/{n}/items": items for n in range(1, 26)}
    first = {"url": f"{server.url}/orders", "field": "id", "as": "order"}
    source = {"type": "api", "url": f"{server.url}/orders/{{order}}/items", "for_each": first}
    inspection = inspect_source(source)
    found = read_source({**source, **inspection.answers()["source_settings"]}, {})
    count = 75 if parents == "pages" else 6
    assert (inspection.rows, found["metadata"]["record_count"]) == (count, count)
