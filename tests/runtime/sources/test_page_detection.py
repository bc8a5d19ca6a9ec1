"""A way of paging is taken only from an answer that proves where it ends."""

from __future__ import annotations

from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from dataflow.sources.api.page_detection import (
    PagingUnknownError,
    detect_paging,
    find_total,
    more_shown,
)
from dataflow.sources.api.paging_settings import Paging
from dataflow.sources.errors import SourceSettingError

ROWS = [{"id": 1}, {"id": 2}]


def detected(document: Any, headers: dict[str, str] | None = None, count: int = 2) -> Paging:
    return detect_paging(document, CaseInsensitiveDict(headers or {}), count)


@pytest.mark.parametrize(
    ("document", "paging"),
    [
        ({"rows": ROWS, "next": "/x?p=2"}, {"type": "cursor", "cursor_path": "next"}),
        (
            {"rows": ROWS, "links": {"next": "?p=2"}},
            {"type": "cursor", "cursor_path": "links.next"},
        ),
        ({"rows": ROWS, "next": None}, {"type": "none"}),
        (
            {"records": ROWS, "totalSize": 9, "done": False, "nextRecordsUrl": "/q/2"},
            {"type": "cursor", "cursor_path": "nextRecordsUrl"},
        ),
        (
            {"rows": ROWS, "paging": {"next": {"after": "7", "link": "https://h/x?after=7"}}},
            {"type": "cursor", "cursor_path": "paging.next.link"},
        ),
        (
            {"rows": ROWS, "Meta": {"Total_Count": 2}},
            {"type": "none", "total_path": "Meta.Total_Count"},
        ),
        (
            {"issues": ROWS, "startAt": 0, "maxResults": 2, "total": 9},
            {
                "type": "offset",
                "page_param": "startAt",
                "page_size_param": "maxResults",
                "total_path": "total",
            },
        ),
        ({"rows": ROWS, "next": ""}, {"type": "none"}),
        ({"rows": ROWS, "meta": {"next": False}}, {"type": "none"}),
        (
            {"rows": ROWS, "nextPageToken": "t"},
            {"type": "cursor", "cursor_path": "nextPageToken", "cursor_param": "pageToken"},
        ),
        (
            {"rows": ROWS, "response_metadata": {"next_cursor": "t"}},
            {
                "type": "cursor",
                "cursor_path": "response_metadata.next_cursor",
                "cursor_param": "cursor",
            },
        ),
        ({"rows": ROWS, "next_cursor": ""}, {"type": "none"}),
        ({"rows": ROWS, "has_more": False}, {"type": "none"}),
        ({"rows": ROWS, "total": 2}, {"type": "none", "total_path": "total"}),
        (
            {"rows": ROWS, "meta": {"total": 9, "offset": 0, "limit": 2}},
            {
                "type": "offset",
                "page_param": "offset",
                "page_size_param": "limit",
                "total_path": "meta.total",
            },
        ),
        (
            {"rows": ROWS, "total": 9, "page": 1},
            {"type": "page_number", "page_param": "page", "base_page": 1, "total_path": "total"},
        ),
        (
            {"rows": ROWS, "total": 9, "current_page": 0},
            {"type": "page_number", "page_param": "page", "base_page": 0, "total_path": "total"},
        ),
        (
            {"rows": ROWS, "total": 9, "pageNumber": 1},
            {
                "type": "page_number",
                "page_param": "pageNumber",
                "base_page": 1,
                "total_path": "total",
            },
        ),
        ({"id": 7, "name": "x"}, {"type": "none"}),
    ],
)
def test_a_way_whose_end_is_proven_is_taken(document: Any, paging: dict[str, Any]) -> None:
    """Links, cursors, ends that are said, and totals with a place that the answer names."""
    assert detected(document) == Paging(**paging)


@pytest.mark.parametrize(
    "document",
    [
        {"rows": ROWS},
        {"rows": ROWS, "has_more": True},
        {"rows": ROWS, "has_more": False, "has_next": True},
        {"rows": ROWS, "total": 9},
        {"rows": ROWS, "total": 9, "page": 2},
        {"rows": ROWS, "total": 9, "page": True},
        {"rows": ROWS, "total": True},
        {"rows": ROWS, "next": 2},
        ROWS,
    ],
)
def test_anything_else_is_asked_for(document: Any) -> None:
    """A guess that is wrong would look like success."""
    with pytest.raises(SourceSettingError, match="first answer has 2 records"):
        detected(document)


def test_headers_tell_too() -> None:
    """A link to the next page, or a total, which may be that of a bare list."""
    link = '<https://h/?page=2>; rel="next", <https://h/?page=9>; rel="last"'
    assert detected(ROWS, {"link": link}).type == "link_header"
    assert detected(ROWS, {"Link": "<https://h/?page=2>; rel=next"}).type == "link_header"
    total = detected(ROWS, {"x-total-count": "2"})
    assert (total.type, total.total_path) == ("none", "header:X-Total-Count")
    with pytest.raises(SourceSettingError):
        detected(ROWS, {"X-Total": "3"})
    assert find_total(ROWS, CaseInsensitiveDict({"X-Total": "3"})) == ("header:X-Total", 3)
    assert find_total(ROWS, CaseInsensitiveDict({"X-Total": "many"})) is None
    for text, number in (
        ("items 0-1/25", 25),
        ("0-1/25", 25),
        ("0-1/*", None),
        ("bytes 0-1/9", None),
    ):
        found = find_total(ROWS, CaseInsensitiveDict({"Content-Range": text}))
        assert found == (number and ("header:Content-Range", number))


@pytest.mark.parametrize("document", [[], {"rows": []}])
def test_no_records_are_all_there_is(document: Any) -> None:
    """An empty first answer needs no second one."""
    assert detected(document, count=0).type == "none"


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"rows": ROWS, "count": 40}, "count"),
        ({"hits": {"total": {"value": 40}, "hits": ROWS}}, "hits.total.value"),
        ({"Items": ROWS, "LastEvaluatedKey": {"id": "7"}}, "LastEvaluatedKey.id"),
        ({"Items": ROWS, "LastEvaluatedKey": 7}, "LastEvaluatedKey"),
        ({"rows": ROWS, "offset": "0", "limit": "2"}, None),
        ({"rows": ROWS, "offset": 20}, None),
        ({"rows": ROWS, "nextPage": 0, "marker": ""}, None),
        ({"records": ROWS, "offset": "itr/7"}, "offset"),
        ({"rows": ROWS, "continue": {"from": "7"}}, "continue.from"),
        ({"rows": ROWS, "exceededTransferLimit": True}, "exceededTransferLimit"),
        ({"rows": ROWS, "page": {"last": False}}, "page.last"),
    ],
)
def test_what_shows_that_there_is_more_is_named(document: Any, place: str | None) -> None:
    """A first answer that is not all is refused by the place that shows it, not taken for all."""
    with pytest.raises(PagingUnknownError) as caught:
        detected(document)
    assert caught.value.place == place


def test_words_that_are_like_signs_of_more_are_none() -> None:
    """A time of the next update leads to no page, and who is done says nothing of records."""
    document = {"rows": ROWS, "next_update": "2026-01-01", "next": None, "done": True}
    assert detected(document) == Paging(type="none")
    forecast = {"rows": ROWS, "now": {"temp": 4}, "next": {"temp": 5}, "nextEvent": "x"}
    assert detected({**forecast, "has_more": False}) == Paging(type="none")
    assert more_shown(forecast, {}) is None
