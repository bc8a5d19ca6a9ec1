"""dlt's paginators, made so that they stop at the right place or say that they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

from dataflow.sources.api.page_detection import detect_paging, find_total, is_link
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from requests import Request, Response

    from dataflow.sources.api.settings import Paging

_HEADER = "header:"


def total_in(response: Response, path: str) -> int:
    """How many records an answer says there are in all.

    ``path`` is a dotted path in it, or ``header:`` and the name of a header.
    """
    if path.startswith(_HEADER):
        value: Any = response.headers.get(path.removeprefix(_HEADER), MISSING)
    else:
        value = value_at(response.json(), path)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise SourceDataError(
            f"The API's answer has no total at {path!r}.",
            "Correct `ingestion.source.paging.total_path`, or leave it out.",
        ) from None


class Paginator(BasePaginator):
    """Goes from page to page as ``paging`` in config.yaml says, or as the first answer tells.

    Args:
        settings: ``paging``.
        batch_size: How many records to ask for at once, where the API takes a size.

    Attributes:
        received: How many records came so far.
        totals: What the answers said there is in all, at the place that was named or detected.
        hinted_totals: The same, at places that usually mean this.
    """

    def __init__(self, settings: Paging, batch_size: int) -> None:
        super().__init__()
        self.settings = settings
        self.batch_size = batch_size
        self.received = 0
        self.total_path: str | None = None
        self.totals: list[int] = []
        self.hinted_totals: list[int] = []
        self._all_came = False
        self._chosen: BasePaginator | None = None
        if settings.type != "auto":
            self._choose(settings)

    @property
    def has_next_page(self) -> bool:
        """Whether another page is to be asked for."""
        return not self._all_came and self._chosen is not None and self._chosen.has_next_page

    @property
    def ends_in_nothing(self) -> bool:
        """Whether the end may show itself by a page that is not there."""
        return isinstance(self._chosen, OffsetPaginator | PageNumberPaginator)

    def init_request(self, request: Request) -> None:
        """Put the first page's parameters into the request."""
        size = self.settings.page_size_param
        if size:
            request.params = {**(request.params or {}), size: self.batch_size}
        if self._chosen is not None:
            self._chosen.init_request(request)

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Take note of an answer and the records in it."""
        records = data or []
        self.received += len(records)
        if self._chosen is None:
            self._choose(detect_paging(response.json(), response.headers, len(records)))
        chosen = self._chosen
        if isinstance(chosen, OffsetPaginator):
            # Some servers give fewer than they are asked for; the limit itself would skip rows.
            chosen.value_step = len(records)
        if isinstance(chosen, JSONResponseCursorPaginator):
            self._require_cursor(response.json(), len(records))
        assert chosen is not None  # noqa: S101  (for the type checker)
        chosen.update_state(response, records)
        if self.total_path:
            self.totals.append(total_in(response, self.total_path))
            self._all_came = self.ends_in_nothing and self.received >= self.totals[-1]
        elif hint := find_total(response.json(), response.headers):
            self.hinted_totals.append(hint[1])

    def update_request(self, request: Request) -> None:
        """Make the request one for the next page."""
        if self._chosen is not None and self.has_next_page:
            self._chosen.update_request(request)

    def _require_cursor(self, document: Any, count: int) -> None:
        """Refuse a first, full page without the key that a next page would be named by."""
        path = self.settings.cursor_path
        first = self.received == count
        if first and count >= self.batch_size and path and value_at(document, path) is MISSING:
            raise SourceDataError(
                f"The API's first answer has {count:,} records and nothing at {path!r}.",
                "Correct `ingestion.source.paging.cursor_path`.",
            )

    def _choose(self, settings: Paging) -> None:
        self.total_path = settings.total_path
        if settings.type == "link_header":
            self._chosen = HeaderLinkPaginator()
        elif settings.type == "page_number":
            self._chosen = PageNumberPaginator(
                base_page=1 if settings.base_page is None else settings.base_page,
                page_param=settings.page_param or "page",
                total_path=None,
            )
        elif settings.type == "offset":
            self._chosen = OffsetPaginator(
                limit=self.batch_size,
                offset=settings.base_page or 0,
                offset_param=settings.page_param or "offset",
                limit_param=settings.page_size_param or "limit",
                total_path=None,
            )
        elif settings.cursor_path and settings.cursor_param:
            self._chosen = JSONResponseCursorPaginator(
                cursor_path=_quoted(settings.cursor_path), cursor_param=settings.cursor_param
            )
        elif settings.cursor_path:
            self._chosen = _Link(settings.cursor_path)
        else:
            self._chosen = SinglePagePaginator()


def _quoted(path: str) -> str:
    """A dotted path in the language that dlt takes, with odd keys such as ``@odata`` quoted."""
    return ".".join(key if key.isidentifier() else f'"{key}"' for key in path.split("."))


class _Link(JSONLinkPaginator):
    """Follows the address that an answer has at a path."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:  # noqa: ARG002
        """Find the next page's address."""
        value = value_at(response.json(), self.path)
        if value not in (None, MISSING, "", False) and not is_link(value):
            raise SourceSettingError(
                f"The API's answer has no address at {self.path!r}, but something else.",
                "Set `ingestion.source.paging.cursor_param` to the parameter that it goes into.",
            )
        self._next_reference = value if is_link(value) else None
