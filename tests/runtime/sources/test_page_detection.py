"""A way of paging is taken only from an answer that proves where it ends."""

from __future__ import annotations

from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from dataflow.sources.api.page_detection import detect_paging, find_total
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
