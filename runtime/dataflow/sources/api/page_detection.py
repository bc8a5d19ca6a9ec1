"""How an API pages, told by its first answer.

A way is chosen only if its end can be proven: by a link or cursor that stops, by a sign that there
is no more, or by a total. Otherwise the person is asked: a guess that is wrong reads 100 of 1,000
records and looks like success.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.sources.api.envelope import around, is_link, next_places, said_of_more, words
from dataflow.sources.api.paging_settings import Paging
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WRAPPERS = (
    *("", "meta.", "pagination.", "meta.pagination.", "paging.", "page.", "info.", "links."),
    # The first of two parts of a list.
    "0.",
)
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
_TOTALS = words(
    "total totalcount totalresults totalitems totalelements totalsize totalrows totalrecords "
    "totalhits recordstotal numfound nbhits numbermatched hitcount odatacount"
)
# These count the records of the page as often as all there are.
_COUNTS = frozenset(("count", "size", "found", "matches"))
_TOTAL_HEADERS = ("X-Total-Count", "X-Total", "X-WP-Total")
_TOTAL_PAGES = (
    *("total_pages", "totalPages", "page_count", "pageCount", "pages", "last_page", "lastPage"),
)
_PAGES_HEADERS = ("X-Total-Pages", "X-WP-TotalPages")
# `items 0-9/25`, of answers that are a part of all there is.
_RANGE = re.compile(r"\s*(?!bytes)[A-Za-z]*\s*\d+-\d+/(\d+)\s*", re.IGNORECASE)
# What a path begins with that names a header.
HEADER = "header:"
_OFFSETS = ("offset", "skip", "start", "startAt", "start_at", "start_index", "from")
_SIZES = ("limit", "page_size", "per_page", "size", "rows", "maxResults", "max_results")
_PAGES = ("page", "current_page", "currentPage", "page_number", "pageNumber")


class PagingUnknownError(SourceSettingError):
    """The first answer does not say how to ask for more.

    Attributes:
        place: Where it shows that there is more; None if it does not say.
    """

    def __init__(self, reason: str, instruction: str, place: str | None = None) -> None:
        super().__init__(reason, instruction)
        self.place = place


# Longer numbers count nothing.
_DIGITS = 18
_LINK_PARAMETER = r"\s*;\s*([\w!#$&+.^`|~*-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s;,\"]+)))?"
_LINK = re.compile(rf"<([^>]*)>((?:{_LINK_PARAMETER})*)")


def next_link(header: str) -> str | None:
    """The target of the next page in a header ``Link`` (RFC 8288).

    >>> next_link('<https://h/?a=1,2>; rel="prev", </x?page=3>; title="a, b"; rel=next')
    '/x?page=3'
    """
    for link in _LINK.finditer(header):
        for name, in_quotes, bare in re.findall(_LINK_PARAMETER, link[2]):
            if name.lower() == "rel" and "next" in (in_quotes or bare).lower().split():
                return link[1]
    return None


def find_total(document: Any, headers: Mapping[str, str]) -> tuple[str, int] | None:
    """Where an answer says how many records there are in all, and how many."""
    for name in (*_TOTAL_HEADERS, "Content-Range"):
        number = number_at(document, headers, f"{HEADER}{name}")
        if number is not None:
            return f"{HEADER}{name}", number
    for path, name, value in around(document):
        # Where `total` is an object itself, its value is one.
        inner = name == "value" and re.search(r"(?i)(^|\.)total\.value$", path)
        if (name in _TOTALS or inner) and isinstance(value, int) and not isinstance(value, bool):
            return path, value
    return None


def find_total_pages(document: Any, headers: Mapping[str, str]) -> tuple[str, int] | None:
    """Where an answer says how many pages there are, and how many."""
    for name in _PAGES_HEADERS:
        number = number_at(document, headers, f"{HEADER}{name}")
        if number is not None:
            return f"{HEADER}{name}", number
    for wrapper in _WRAPPERS:
        for key in _TOTAL_PAGES:
            value = value_at(document, f"{wrapper}{key}")
            if isinstance(value, int) and not isinstance(value, bool):
                return f"{wrapper}{key}", value
    return None


def find_has_more(document: Any) -> bool | None:
    """Whether an answer says, at one of the usual places, that there is more.

    Where it says both, nothing is known.
    """
    said = {value for _, value in said_of_more(document)}
    return said.pop() if len(said) == 1 else None


def more_shown(document: Any, headers: Mapping[str, str]) -> str | None:
    """Where an answer says that there is more, or leads to it; None if nowhere."""
    if next_link(headers.get("Link", "")) is not None:
        return f"{HEADER}Link"
    if find_has_more(document):
        return next(path for path, value in said_of_more(document) if value)
    if find_has_more(document) is None and (leading := next_places(document)):
        return leading[0][0]
    return None


def _sign_of_more(document: Any, headers: Mapping[str, str], count: int) -> str | None:
    """The same, and where it counts more than the records that came."""
    if shown := more_shown(document, headers):
        return shown
    total = find_total(document, headers)
    if total and total[1] > count:
        return total[0]
    for path, name, value in around(document):
        number = isinstance(value, int) and not isinstance(value, bool)
        if name in _COUNTS and number and value > count > 0:
            return path
    return None


def number_at(document: Any, headers: Mapping[str, str], path: str) -> int | None:
    """A whole number in an answer; None if there is none.

    ``path`` is a dotted path in its JSON, or ``header:`` and the name of a header.
    """
    if path.startswith(HEADER):
        value: Any = headers.get(path.removeprefix(HEADER), "").strip()
        in_range = _RANGE.fullmatch(value)
        value = in_range[1] if in_range else value
    else:
        value = value_at(document, path)
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        value = int(value)
    return value if isinstance(value, int) else None


def detect_paging(
    document: Any, headers: Mapping[str, str], count: int, records: Sequence[Any] = ()
) -> Paging:
    """Settings of ``paging`` for an API, from its first answer; ``none`` if that is all.

    Raises:
        PagingUnknownError: The answer does not say whether there are more, or not how to ask.
    """
    if next_link(headers.get("Link", "")) is not None:
        return Paging(type="link_header")
    more = find_has_more(document)
    if isinstance(document, dict):
        found = _by_reference(document, more) or _by_counting(document, headers, count, more)
        found = found or _by_last_record(document, more, records)
        if found:
            return found
        lists = any(isinstance(value, list | dict) for value in document.values())
        if not more and (count == 0 or not lists) and not next_places(document):
            return Paging(type="none")
    else:
        found = _by_headers(headers, count)
        if found:
            return found
    if path := _sign_of_more(document, headers, count):
        raise PagingUnknownError(
            f"The API's first answer has {count:,} records and says by {path!r} that there are "
            "more, and not how to ask for them.",
            "Set `ingestion.source.paging.type` to page_number, offset, cursor or last_record, "
            "with the parameter that the API takes.",
            path,
        )
    raise PagingUnknownError(
        f"The API's first answer has {count:,} records, and does not say whether there are more.",
        "Set `ingestion.source.paging.type`: none if that is all, or page_number, offset, cursor, "
        "last_record or link_header.",
    )


def _by_headers(headers: Mapping[str, str], count: int) -> Paging | None:
    """Paging of a bare list, which only headers say anything about."""
    total, pages = find_total(None, headers), find_total_pages(None, headers)
    path = total[0] if total else None
    if count == 0 or (total and total[1] == count) or (pages and pages[1] <= 1 and not total):
        return Paging(type="none", total_path=path)
    if pages and pages[1] > 1:
        return Paging(type="page_number", total_path=path, total_pages_path=pages[0])
    return None


def _by_reference(document: dict[str, Any], more: bool | None) -> Paging | None:
    """Paging by what the answer hands out for the next request, or says is not there."""
    ended = more is False
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
    links = [path for path, value in next_places(document) if is_link(value)]
    if len(links) == 1:
        return Paging(type="cursor", cursor_path=links[0])
    contradicted = any(value for _, value in said_of_more(document)) or next_places(document)
    return Paging(type="none") if ended and not contradicted else None


def _by_counting(
    document: dict[str, Any], headers: Mapping[str, str], count: int, more: bool | None
) -> Paging | None:
    """Paging by a number: only with an end that can be proven, and a place that is named.

    The end is a total, a number of pages, or a sign that there is no more.
    """
    total, pages = find_total(document, headers), find_total_pages(document, headers)
    path = total[0] if total else None
    if total and total[1] == count and not more:
        return Paging(type="none", total_path=path)
    if total is None and pages is None and not more:
        return None
    for wrapper in _WRAPPERS:
        size = next(
            (key for key in _SIZES if isinstance(value_at(document, f"{wrapper}{key}"), int)), None
        )
        for key in _OFFSETS:
            if (total or more) and value_at(document, f"{wrapper}{key}") == 0:
                return Paging(type="offset", page_param=key, total_path=path, page_size_param=size)
        for key in _PAGES:
            value = value_at(document, f"{wrapper}{key}")
            if value in (0, 1) and not isinstance(value, bool):
                if pages and pages[1] <= 1 and not total and not more:
                    return Paging(type="none")
                return Paging(
                    type="page_number",
                    page_param="page" if "age" in key and key != "pageNumber" else key,
                    base_page=int(value),
                    total_path=path,
                    total_pages_path=pages[0] if pages else None,
                )
    return None


def _by_last_record(
    document: dict[str, Any], more: bool | None, records: Sequence[Any]
) -> Paging | None:
    """Paging as Stripe does it, whose answers are told by their form."""
    last = records[-1] if records else None
    alike = document.get("object") == "list" and isinstance(document.get("data"), list)
    if more and alike and isinstance(last, dict) and isinstance(last.get("id"), str | int):
        return Paging(type="last_record", cursor_path="id", cursor_param="starting_after")
    return None
