"""The ways to ask for a next page, each from a request and the page that answered it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from dataflow.shared.shown import quoted
from dataflow.sources.api.envelope import is_link
from dataflow.sources.api.page_detection import HEADER, next_link
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from dataflow.sources.api.exchange import Ask
    from dataflow.sources.api.page import Page
    from dataflow.sources.api.paging_settings import Paging
    from dataflow.sources.api.placing import Placing


class Way(ABC):
    """One way to page."""

    def first(self, ask: Ask) -> Ask:
        """The request for the first page."""
        return ask

    @abstractmethod
    def following(self, ask: Ask, page: Page) -> Ask | None:
        """The request after one that a page answers; None if the answer names none."""

    def ahead(self, ask: Ask, count: int) -> list[Ask]:  # noqa: ARG002
        """So many requests that will probably come after the next one, before it is answered."""
        return []


def named_next(page: Page, path: str) -> Any:
    """What an answer has at a dotted path, or in a header: ``header:X-Next-Cursor``."""
    if path.startswith(HEADER):
        return page.headers.get(path.removeprefix(HEADER), MISSING)
    return value_at(page.document, path)


class OnePage(Way):
    """There is one answer."""

    def following(self, ask: Ask, page: Page) -> Ask | None:  # noqa: ARG002
        """None."""
        return None


@dataclass
class Numbered(Way):
    """A number goes up: by one, or by as many records as came.

    Some servers give fewer records than they are asked for; the size that was asked for would
    leave some out.
    """

    placing: Placing
    param: str
    number: int
    by_records: bool
    step: int = 1

    def first(self, ask: Ask) -> Ask:
        """With the first number."""
        return self.placing.put(ask, self.param, self.number)

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """With the next number."""
        self.step = len(page.records) if self.by_records else 1
        self.number += self.step
        return self.placing.put(ask, self.param, self.number)

    def ahead(self, ask: Ask, count: int) -> list[Ask]:
        """With the numbers after that, if each page has as many records as the last one."""
        numbers = (self.number + self.step * place for place in range(1, count + 1))
        return [self.placing.put(ask, self.param, number) for number in numbers]


@dataclass
class Cursor(Way):
    """The answer names the next page by a text or number, which goes into a parameter."""

    placing: Placing
    path: str
    param: str
    size: int
    is_first: bool = True

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """With the cursor; a first, full page without its key is refused."""
        value = named_next(page, self.path)
        in_header = self.path.startswith(HEADER)
        if not in_header and self.is_first and value is MISSING and len(page.records) >= self.size:
            raise SourceDataError(
                f"The API's first answer has {len(page.records):,} records and nothing at "
                f"{quoted(self.path)}.",
                "Correct `ingestion.source.paging.cursor_path`.",
            )
        self.is_first = False
        if value in (None, MISSING, "", False):
            return None
        if not isinstance(value, str | int | float):
            raise SourceDataError(
                f"The API's answer has more than one value at {quoted(self.path)}.",
                "Correct `ingestion.source.paging.cursor_path`.",
            )
        return self.placing.put(ask, self.param, value)


@dataclass
class LastRecord(Way):
    """A field of the last record names the place to go on from."""

    placing: Placing
    field: str
    param: str

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """With the last record's value; None after a page without records."""
        if not page.records:
            return None
        value = value_at(page.records[-1], self.field)
        if value in (None, MISSING, ""):
            raise SourceDataError(
                f"The last record of a page has no {quoted(self.field)} to go on from.",
                "Correct `ingestion.source.paging.cursor_path`, the field that names a record.",
            )
        return self.placing.put(ask, self.param, value)


@dataclass
class Link(Way):
    """The answer has the address of the next page."""

    path: str

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """At that address, which has all parameters in it."""
        value = named_next(page, self.path)
        if value in (None, MISSING, "", False):
            return None
        if not is_link(value):
            raise SourceSettingError(
                f"The API's answer has no address at {quoted(self.path)}, but something else.",
                "Set `ingestion.source.paging.cursor_param` to the parameter that it goes into.",
            )
        return replace(ask, url=urljoin(page.url, value), params={})


class HeaderLink(Way):
    """The header ``Link`` has the address of the next page (RFC 8288)."""

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """At that address."""
        target = next_link(page.headers.get("Link", ""))
        return replace(ask, url=urljoin(page.url, target), params={}) if target else None


@dataclass
class Connection(Way):
    """``pageInfo`` of GraphQL says whether there is more, and from where."""

    placing: Placing
    path: str
    param: str

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """With the cursor of the end."""
        info = value_at(page.document, self.path)
        more = info.get("hasNextPage") if isinstance(info, dict) else None
        if not isinstance(info, dict) or not isinstance(more, bool):
            raise SourceDataError(
                f"The API's answer does not say at {quoted(self.path)} whether there is more.",
                "Ask for `pageInfo { hasNextPage endCursor }` in `ingestion.source.query`.",
            )
        if not more:
            return None
        cursor = info.get("endCursor")
        if not isinstance(cursor, str | int) or cursor == "":
            raise SourceDataError(
                "The API's answer says that there is more, and not from where.",
                "Ask for `pageInfo { hasNextPage endCursor }` in `ingestion.source.query`.",
            )
        return self.placing.put(ask, self.param, cursor)


@dataclass
class _FirstConnection(Way):
    """Finds ``pageInfo`` in the first answer."""

    placing: Placing
    query: str
    param: str | None
    found: Connection | None = None

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """As the connection that was found."""
        from dataflow.sources.api.graphql import connection_path, cursor_variable

        if self.found is None:
            path = connection_path(page.document)
            info = value_at(page.document, path)
            more = isinstance(info, dict) and info.get("hasNextPage") is True
            param = self.param or (cursor_variable(self.query) if more else "after")
            self.found = Connection(self.placing, path, param)
        return self.found.following(ask, page)


def make_way(settings: Paging, placing: Placing, size: int, query: str | None) -> Way:
    """The way that ``paging`` names."""
    base = settings.base_page
    way: Way = OnePage()
    if settings.type == "link_header":
        way = HeaderLink()
    elif settings.type == "page_number":
        param = settings.page_param or "page"
        way = Numbered(placing, param, 1 if base is None else base, by_records=False)
    elif settings.type == "offset":
        way = _Offset(
            placing,
            settings.page_param or "offset",
            base or 0,
            by_records=True,
            size_param=settings.page_size_param or "limit",
            size=size,
        )
    elif settings.type == "last_record":
        field = settings.cursor_path or "id"
        way = LastRecord(placing, field, settings.cursor_param or "")
    elif settings.type == "graphql":
        if settings.cursor_path:
            param = settings.cursor_param or "after"
            way = Connection(placing, settings.cursor_path, param)
        else:
            way = _FirstConnection(placing, query or "", settings.cursor_param)
    elif settings.cursor_path and settings.cursor_param:
        way = Cursor(placing, settings.cursor_path, settings.cursor_param, size)
    elif settings.cursor_path:
        way = Link(settings.cursor_path)
    return way


@dataclass
class _Offset(Numbered):
    """An offset, beside which the number of records stands that is asked for."""

    size_param: str = "limit"
    size: Any = None

    def first(self, ask: Ask) -> Ask:
        return self.placing.put(super().first(ask), self.size_param, self.size)

    def following(self, ask: Ask, page: Page) -> Ask | None:
        following = super().following(ask, page)
        # Where the way was found by the first answer, the size was not asked for yet.
        return following and self.placing.put(following, self.size_param, self.size)
