"""How an API pages, told by its first answer.

A way is chosen only if its end can be proven: by a link or cursor that stops, by a sign that there
is no more, or by a total. Otherwise the person is asked: a guess that is wrong reads 100 of 1,000
records and looks like success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.sources.api.settings import Paging
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRAPPERS = ("", "meta.", "pagination.", "meta.pagination.", "paging.", "page.", "info.", "links.")
_NEXT_LINKS = (
    *(f"{wrapper}{key}" for wrapper in _WRAPPERS for key in ("next", "next_url", "next_page_url")),
    "_links.next.href",
    "_links.next",
    "links.next.href",
    "nextLink",
    "@odata.nextLink",
)
# The key of the cursor in the answer, and the parameter that it goes into.
_CURSORS = {
    "next_cursor": "cursor",
    "nextCursor": "cursor",
    "cursor.next": "cursor",
    "cursors.next": "cursor",
    "cursors.after": "after",
    "next_page_token": "page_token",
    "nextPageToken": "pageToken",
    "next_token": "next_token",
    "nextToken": "nextToken",
    "continuation_token": "continuation_token",
    "continuationToken": "continuationToken",
}
_CURSOR_WRAPPERS = (*_WRAPPERS, "response_metadata.")
_HAS_MORE = ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage")
_TOTALS = (
    "total",
    "total_count",
    "totalCount",
    "total_results",
    "totalResults",
    "total_items",
    "totalItems",
    "total_elements",
    "totalElements",
)
_TOTAL_HEADERS = ("X-Total-Count", "X-Total")
_OFFSETS = ("offset", "skip", "start")
_SIZES = ("limit", "page_size", "per_page", "size", "rows")
_PAGES = ("page", "current_page", "currentPage", "page_number", "pageNumber")


def is_link(value: Any) -> bool:
    """Whether a value is the address of a next page, whole or relative."""
    return isinstance(value, str) and value.startswith(("http://", "https://", "/", "?"))


def find_total(document: Any, headers: Mapping[str, str]) -> tuple[str, int] | None:
    """Where an answer says how many records there are in all, and how many."""
    for name in _TOTAL_HEADERS:
        if headers.get(name, "").isdigit():
            return f"header:{name}", int(headers[name])
    for wrapper in _WRAPPERS:
        for key in _TOTALS:
            value = value_at(document, f"{wrapper}{key}")
            if isinstance(value, int) and not isinstance(value, bool):
                return f"{wrapper}{key}", value
    return None


def detect_paging(document: Any, headers: Mapping[str, str], count: int) -> Paging:
    """Settings of ``paging`` for an API, from its first answer; ``none`` if that is all."""
    if 'rel="next"' in headers.get("Link", "").replace("rel=next", 'rel="next"'):
        return Paging(type="link_header")
    if isinstance(document, dict):
        found = _by_reference(document) or _by_total(document, headers, count)
        if found:
            return found
        if count == 0 or not any(isinstance(value, list | dict) for value in document.values()):
            return Paging(type="none")
    else:
        total = find_total(document, headers)
        if count == 0 or (total and total[1] == count):
            return Paging(type="none", total_path=total[0] if total else None)
    raise SourceSettingError(
        f"The API's first answer has {count:,} records, and does not say whether there are more.",
        "Set `ingestion.source.paging.type`: none if that is all, or page_number, offset, cursor "
        "or link_header.",
    )


def _by_reference(document: dict[str, Any]) -> Paging | None:
    """Paging by what the answer hands out for the next request, or says is not there."""
    ended = False
    for path in _NEXT_LINKS:
        value = value_at(document, path)
        if is_link(value):
            return Paging(type="cursor", cursor_path=path)
        ended = ended or value is None or value is False or value == ""
    for wrapper in _CURSOR_WRAPPERS:
        for key, parameter in _CURSORS.items():
            value = value_at(document, f"{wrapper}{key}")
            if isinstance(value, str | int) and value not in ("", False):
                path = f"{wrapper}{key}"
                return Paging(type="cursor", cursor_path=path, cursor_param=parameter)
            ended = ended or (value is not MISSING and not value)
    for wrapper in _WRAPPERS:
        for key in _HAS_MORE:
            value = value_at(document, f"{wrapper}{key}")
            ended = ended or value is False
            if value is True:
                return None
    return Paging(type="none") if ended else None


def _by_total(document: dict[str, Any], headers: Mapping[str, str], count: int) -> Paging | None:
    """Paging by counting: only with a total to count up to, and a place that the answer names."""
    total = find_total(document, headers)
    if total is None:
        return None
    path, number = total
    if number == count:
        return Paging(type="none", total_path=path)
    for wrapper in _WRAPPERS:
        size = next(
            (key for key in _SIZES if isinstance(value_at(document, f"{wrapper}{key}"), int)), None
        )
        for key in _OFFSETS:
            if value_at(document, f"{wrapper}{key}") == 0:
                return Paging(type="offset", page_param=key, total_path=path, page_size_param=size)
        for key in _PAGES:
            value = value_at(document, f"{wrapper}{key}")
            if value in (0, 1) and not isinstance(value, bool):
                return Paging(
                    type="page_number",
                    page_param="page" if "age" in key and key != "pageNumber" else key,
                    base_page=int(value),
                    total_path=path,
                )
    return None
