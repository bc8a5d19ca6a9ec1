"""From one page of an API to the request for the next, and to a proven end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted
from dataflow.sources.api.page_detection import (
    detect_paging,
    find_has_more,
    find_total,
    more_shown,
    number_at,
)
from dataflow.sources.api.paging_ways import Numbered, Way, make_way
from dataflow.sources.errors import SourceDataError
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from dataflow.sources.api.exchange import Ask
    from dataflow.sources.api.page import Page
    from dataflow.sources.api.paging_settings import Paging
    from dataflow.sources.api.placing import Placing


class Paginator:
    """Goes from page to page as ``paging`` in config.yaml says, or as the first answer tells.

    Args:
        settings: ``paging``.
        batch_size: How many records to ask for at once, where the API takes a size.
        placing: Where parameters go in a request.
        graphql: The query of GraphQL, if it is one.

    Attributes:
        received: How many records came so far.
        read: How many pages came so far.
        totals: What the answers said there is in all, at the place that was named or detected.
        hinted_totals: The same, at places that usually mean this.
        cut: Whether ``max_pages`` ended it before the API did.
        more_left: Where the one page that is read shows that there is more.
    """

    def __init__(
        self, settings: Paging, batch_size: int, placing: Placing, graphql: str | None = None
    ) -> None:
        self.settings = settings
        self.received = 0
        self.read = 0
        self.totals: list[int] = []
        self.hinted_totals: list[int] = []
        self.cut = False
        self.more_left: str | None = None
        self._pages: int | None = None
        self._page_size = 0
        self._is_last_short = False
        self._batch_size = batch_size
        self._placing = placing
        self._graphql = graphql
        self._chosen = settings
        self._way: Way | None = None
        if settings.type != "auto":
            self._choose(settings)

    @property
    def ends_in_nothing(self) -> bool:
        """Whether the end may show itself by a page that is not there."""
        return isinstance(self._way, Numbered)

    @property
    def guessed_cursor(self) -> str | None:
        """Where the answers have a cursor, if nobody said what parameter it goes into."""
        is_guessed = self.settings.type == "auto" and self.settings.cursor_param is None
        return self._chosen.cursor_path if is_guessed and self._chosen.cursor_param else None

    @property
    def one_page(self) -> bool:
        """Whether a person said that there is one page, or only the first is wanted."""
        return self.settings.type == "none" or self.settings.max_pages == 1

    def first(self, ask: Ask) -> Ask:
        """The request for the first page."""
        if self.settings.page_size_param:
            ask = self._placing.put(ask, self.settings.page_size_param, self._batch_size)
        return self._way.first(ask) if self._way else ask

    def following(self, ask: Ask, page: Page) -> Ask | None:
        """Take note of a page, and make the request for the next; None at the end.

        Args:
            ask: The request that the page answers.
            page: The page.

        Raises:
            SourceSettingError: How the API pages must be told.
            SourceDataError: The answer contradicts itself, or lacks what it was said to have.
        """
        self.read += 1
        self.received += len(page.records)
        self._page_size = self._page_size or len(page.records)
        self._is_last_short = len(page.records) < self._page_size
        if page.nothing:
            return None
        if self._way is None and not self.one_page:
            self._choose(self._detected(page))
        self._note_totals(page)
        following = self._next(ask, page)
        if following is not None and self.read == self.settings.max_pages:
            self.cut = True
            return None
        return following

    def ahead(self, following: Ask, count: int) -> list[Ask]:
        """The request that `following` gave and those that will probably come after it.

        No more than ``count``, and none behind the end as far as that is known: a page with fewer
        records than the first is probably the last one.
        """
        if not isinstance(self._way, Numbered) or not self._page_size or self._is_last_short:
            return []
        limits = [count]
        if self.settings.max_pages is not None:
            limits.append(self.settings.max_pages - self.read)
        for total in (*self.totals[-1:], *self.hinted_totals[-1:]):
            limits.append(-(-(total - self.received) // self._page_size))
        if self._pages is not None:
            limits.append(self._pages - self.read)
        return [following, *self._way.ahead(following, min(limits) - 1)]

    def _next(self, ask: Ask, page: Page) -> Ask | None:
        if self._way is None:
            self.cut = True
            return None
        more = self._has_more(page)
        if self._chosen.type == "none":
            told = self._chosen.has_more_path
            shown = more_shown(page.document, page.headers) if told is None else more and told
            self.more_left = shown or None
        following = self._way.following(ask, page)
        if more is False:
            return None
        if more and following is None and self._chosen.type not in ("none", "link_header"):
            raise SourceDataError(
                "The API's answer says that there is more, and does not name the next page.",
                "Correct `ingestion.source.paging`: `has_more_path` and `cursor_path`.",
            )
        if more is None and self._counted_all(page):
            return None
        return following

    def _counted_all(self, page: Page) -> bool:
        """Whether a way that counts has come to an end by itself."""
        if not isinstance(self._way, Numbered):
            # Some name a next page behind the last one, too.
            counted = (*self.hinted_totals[-1:], *self.totals[-1:])
            is_all = bool(counted) and self.received >= max(counted)
            return not page.records and (is_all or self._chosen.type == "last_record")
        if self.totals and self.received >= self.totals[-1]:
            return True
        path = self._chosen.total_pages_path
        pages = number_at(page.document, page.headers, path) if path else None
        self._pages = pages
        if pages is not None:
            # A page without records may stand among others.
            return self.read >= pages
        if path and page.records:
            raise SourceDataError(
                f"The API's answer has no number of pages at {quoted(path)}.",
                "Correct `ingestion.source.paging.total_pages_path`, or leave it out.",
            )
        return not page.records

    def _has_more(self, page: Page) -> bool | None:
        path = self._chosen.has_more_path
        if path is None:
            return find_has_more(page.document)
        value = value_at(page.document, path)
        said = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
        if value is MISSING or said is None:
            raise SourceDataError(
                f"The API's answer does not say at {quoted(path)} whether there is more.",
                "Correct `ingestion.source.paging.has_more_path`, or leave it out.",
            )
        return said

    def _note_totals(self, page: Page) -> None:
        path = self._chosen.total_path
        if path is None:
            if hint := find_total(page.document, page.headers):
                self.hinted_totals.append(hint[1])
            return
        total = number_at(page.document, page.headers, path)
        if total is None:
            raise SourceDataError(
                f"The API's answer has no total at {quoted(path)}.",
                "Correct `ingestion.source.paging.total_path`, or leave it out.",
            )
        self.totals.append(total)

    def _detected(self, page: Page) -> Paging:
        if self._graphql is not None:
            from dataflow.sources.api.graphql import detect_connection

            found = detect_connection(page.document, self._graphql, len(page.records))
            if found is not None:
                return found
        return detect_paging(page.document, page.headers, len(page.records), page.records)

    def _choose(self, settings: Paging) -> None:
        kept = self.settings.model_dump(exclude_unset=True, exclude={"type"})
        self._chosen = settings.model_copy(update={k: v for k, v in kept.items() if v is not None})
        size = self._batch_size
        self._way = make_way(self._chosen, self._placing, size, self._graphql)
