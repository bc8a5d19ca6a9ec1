"""The pages of an API, each exactly once."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dataflow.shared.shown import counted, quoted
from dataflow.sources.api.answer_formats import NO_CONTENT, Content, read_content
from dataflow.sources.api.error_answers import code_without_rows, find_error
from dataflow.sources.api.exchange import Answer, Ask, refused
from dataflow.sources.api.page import Page
from dataflow.sources.api.paging import Paginator
from dataflow.sources.api.paging_settings import Paging
from dataflow.sources.errors import SourceDataError, SourceError, SourceUnavailableError
from dataflow.sources.kind import shown_location
from dataflow.sources.records import as_lines, find_records, value_at
from dataflow.sources.retry import RETRIED_STATUSES, RequestFailedError
from dataflow.sources.value_rows import SHAPES, shaped_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow.sources.api.ahead import Ahead
    from dataflow.sources.api.placing import Placing
    from dataflow.sources.api.settings import ApiSource, ForEach
    from dataflow.sources.local_file import LocalFile

_NOT_FOUND = 404
# Some APIs give empty pages between others, but not for ever.
_MOST_EMPTY = 10


class RepeatedPageError(SourceDataError):
    """An API gave again what it had given before.

    Why: It does not take the parameter with which the next page was asked for, or gives all
    records at once: what is read so would be the first page again and again.

    What to do: Name the parameter that it takes in `ingestion.source.paging`, or set
    `paging: {type: none}` if there is one page.

    Attributes:
        place: Where its answers have a cursor that may go into another parameter; None if nowhere.
    """

    def __init__(self, reason: str, instruction: str, place: str | None = None) -> None:
        super().__init__(reason, instruction)
        self.place = place


class Pages:
    """Iterates over lists of records, page by page.

    Args:
        settings: What to look for in the answers: those of the source, or of its ``for_each``.
        ask: The first request, but for what paging adds to it.
        ahead: Answers requests.
        placing: Where parameters go.
        batch_size: How many records to ask for at once.
        folder: Where files may be put.
        filtered: Whether only a part of all records is asked for, so that the API's own count of
            all says nothing.

    Attributes:
        notes: What a person should know, once all pages were read.
        ended: Whether the last page was read.
        files: Answers that are files; their records are in the pages as well.
        lines: The records of the last page, each as a line of JSON Lines.
        format: What the last answer was.
    """

    def __init__(
        self,
        settings: ApiSource | ForEach,
        ask: Ask,
        ahead: Ahead,
        placing: Placing,
        batch_size: int,
        folder: Path,
        *,
        filtered: bool = False,
    ) -> None:
        self.notes: list[str] = []
        self.ended = False
        self.files: list[LocalFile] = []
        self.lines: list[str] = []
        self.format = "json"
        self._data_path = settings.data_path
        self._shape = getattr(settings, "records", None)
        self._names_path = getattr(settings, "names_path", None)
        self._error_path = getattr(settings, "error_path", None)
        self._told_format = getattr(settings, "format", None)
        self._graphql = getattr(settings, "query", None)
        self._ask = ask
        self._ahead = ahead
        self._sent: set[str] = set()
        self._last_key = ""
        self._is_guessed = True
        self._paging = Paginator(settings.paging or Paging(), batch_size, placing, self._graphql)
        self._folder = folder
        self._filtered = filtered
        self._asked: set[str] = set()
        self._pages: set[int] = set()
        self._first: frozenset[int] = frozenset()
        self._last: frozenset[int] = frozenset()
        self._empty = 0

    @property
    def first(self) -> Ask:
        """The first request."""
        return self._paging.first(self._ask)

    @property
    def is_serial(self) -> bool:
        """Whether each of several pages had to be read before the next one could be asked for."""
        return self._paging.read > 1 and not self._paging.ends_in_nothing

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the records of each page.

        Raises:
            SourceError: A page cannot be had, is an error, came before, or is missing.
            SourceSettingError: How the API pages must be told.
        """
        ask: Ask | None = self.first
        while ask is not None:
            self._refuse_cycle(ask)
            page = self._page(ask)
            if page is None:
                break
            following = self._paging.following(ask, page)
            self.lines = list(map(repr, page.records)) if self.files else as_lines(page.records)
            self._refuse_repetition(page.records)
            self._refuse_too_many()
            if following is not None:
                following = self._guarded(following)
                self._send_ahead(following)
            ask = following
            self.ended = ask is None and not self._paging.cut
            yield page.records
        self._ahead.drop(self._sent)
        self.ended = not self._paging.cut
        self._check_total()

    @property
    def total(self) -> int | None:
        """How many records there are in all, as the API says; None if it does not, or of others."""
        totals = self._paging.totals
        return totals[-1] if totals and not self._filtered else None

    @property
    def _number(self) -> int:
        return self._paging.read + 1

    def _page(self, ask: Ask) -> Page | None:
        """A page, or None for one behind the last, to which some APIs answer 404."""
        try:
            answer = self._ahead.answer(ask)
        except RequestFailedError as error:
            may_end = self._paging.read > 0 and self._paging.ends_in_nothing
            if error.status == _NOT_FOUND and may_end:
                return None
            raise self._refusal(ask, error) from None
        name = f"Page {self._number} of {shown_location(answer.url)}"
        content = read_content(answer, self._told_format, name, self._folder)
        self.format = content.format
        if content.file is not None:
            self.files.append(content.file)
        records = self._records(answer, content, name)
        nothing = answer.status in NO_CONTENT
        return Page(answer.url, content.document, answer.headers, records, nothing)

    def _send_ahead(self, following: Ask) -> None:
        """Send the next request and those after it, unless the last guess at them was wrong."""
        self._sent.discard(self._last_key)
        self._last_key = following.key()
        if self._sent and self._last_key not in self._sent:
            self._ahead.drop(self._sent)
            self._sent.clear()
            self._is_guessed = False
        if self._ahead.at_once > 1 and self._is_guessed:
            asks = self._paging.ahead(following, self._ahead.at_once)
            self._sent |= {ask.key() for ask in asks}
            self._ahead.send(asks)

    def _records(self, answer: Answer, content: Content, name: str) -> list[dict[str, Any]]:
        if content.format != "json" or answer.status in NO_CONTENT:
            return list(content.document)
        told = find_error(content.document, self._error_path, self._data_path)
        if told is None and self._told_format == "csv":
            told = "it is JSON, and no CSV"
        if told is not None:
            raise SourceDataError(
                f"{name} is an error with status {answer.status}: {told}.",
                "Put right what it complains of. If it is no error, set "
                "`ingestion.source.error_path` to where an error would be told.",
            )
        code = code_without_rows(content.document, self._data_path)
        if code is not None and self._error_path is None and not self._paging.received:
            self.notes.append(
                f"{name} has no rows, and {quoted(content.document[code])} at {quoted(code)}. If "
                f"that is a failure, set `ingestion.source.error_path: {code}`."
            )
        shown = f"An answer of {shown_location(answer.url)}"
        if self._graphql is not None:
            from dataflow.sources.api.graphql import graphql_records

            return graphql_records(content.document, self._data_path, shown)
        found = value_at(content.document, self._data_path) if self._data_path else None
        if found == {}:
            # Some write an empty list so, and count none.
            return []
        if self._shape in SHAPES:
            path, names = self._data_path, self._names_path
            return shaped_records(content.document, self._shape, path, names, shown)
        return find_records(content.document, self._data_path, shown)

    def _refuse_repetition(self, records: list[dict[str, Any]]) -> None:
        """Refuse a page that came before, one without new records, and too many empty ones."""
        if not records:
            self._empty += 1
            if self._empty > _MOST_EMPTY:
                raise SourceDataError(
                    f"{self._shown} gave {self._empty} pages in a row without a record, and names "
                    "a next one each time.",
                    "Look whether `data_path` and `paging` of `ingestion.source` are right; the "
                    "API would page for ever.",
                )
            return
        self._empty = 0
        # Only within this process, so Python's own hash will do, and is quick.
        digests = [hash(line) for line in self.lines]
        whole = hash(tuple(digests))
        rows = frozenset(digests)
        # Rows that are alike within a page may be so between pages as well.
        told_apart = len(rows) == len(records)
        if whole in self._pages:
            said = f"has the same {len(records):,} records as a page before it"
        elif told_apart and self._pages and rows <= self._first | self._last:
            said = f"has {len(records):,} records that all came before"
        else:
            self._pages.add(whole)
            self._first = self._first or rows
            self._last = rows
            return
        raise RepeatedPageError(
            f"Page {self._paging.read} of {self._shown} {said}.",
            "Look whether the API takes the parameters of `ingestion.source.paging`, and correct "
            "them; if it gives all records at once, set `type: none`.",
            self._paging.guessed_cursor,
        )

    def _refuse_cycle(self, ask: Ask) -> None:
        asked = blake2b(ask.key().encode(errors="surrogatepass"), digest_size=16).hexdigest()
        if asked in self._asked:
            raise SourceDataError(
                f"{self._shown} names a next page that was read before.",
                "Look whether `ingestion.source.paging` is right; the API would page for ever.",
            )
        self._asked.add(asked)

    def _guarded(self, ask: Ask) -> Ask:
        """Refuse to carry credentials to another host."""
        own, next_ = urlsplit(self._ask.url), urlsplit(ask.url)
        if next_.hostname != own.hostname or (
            next_.port != own.port and next_.scheme == own.scheme
        ):
            raise SourceDataError(
                f"{self._shown} names a next page at another host: {next_.hostname}.",
                "Nothing was asked of it. Set `ingestion.source.url` to that host, if it is right.",
            )
        if own.scheme == "https":
            # Servers behind a proxy often take their own address for http.
            url = next_._replace(scheme="https", netloc=own.netloc).geturl()
            return Ask(url, ask.params, ask.body)
        return ask

    def _refuse_too_many(self) -> None:
        received, totals = self._paging.received, self._paging.totals
        if totals and received > max(totals):
            self._check_total()

    def _check_total(self) -> None:
        paging = self._paging
        received, totals, hints = paging.received, paging.totals, paging.hinted_totals
        if paging.cut:
            self.notes.append(
                f"Reading ended after {paging.read:,} pages, as `paging.max_pages` says; there "
                "may be more."
            )
            return
        if totals and not min(totals) <= received <= max(totals):
            raise SourceDataError(
                f"{self._shown} says that there are {totals[-1]:,} records, and "
                f"{received:,} came in {paging.read:,} pages: some are missing or came twice.",
                "Run again if the data changed while it was read; otherwise correct "
                "`ingestion.source.paging`.",
            )
        counted_all = totals or hints
        if paging.ends_in_nothing and len(set(counted_all)) > 1:
            # Pages by number are not those of before once a record of an earlier one is gone.
            self.notes.append(
                f"The API counted {counted_all[0]:,} records on its first page and "
                f"{counted_all[-1]:,} on its last: they changed while they were read, and one may "
                "be missing or have come twice. Run again, or sort by what does not change."
            )
        if paging.more_left and paging.settings.max_pages is None:
            raise SourceDataError(
                f"{self._shown} says by {quoted(paging.more_left)} that there is more than the "
                f"{received:,} records of one answer, and `paging` is `type: none`.",
                "Say in `ingestion.source.paging` how to ask for the others; or add "
                "`max_pages: 1`, if the first page is all that is wanted.",
            )
        if paging.more_left:
            self.notes.append(
                "The API says that there is more, and `type: none` reads one page only."
            )
        if not hints or min(hints) <= received <= max(hints):
            return
        if received < min(hints) and paging.read and self._must_be_all():
            raise SourceDataError(
                f"{self._shown} says that there are {hints[-1]:,} records in all, and only "
                f"{received:,} came in {paging.read:,} pages.",
                "Correct `ingestion.source.paging`; or set `paging.check_total: false` if that is "
                "no number of these records.",
            )
        self.notes.append(
            f"The API speaks of {hints[-1]:,} records in all, and {received:,} came; set "
            "`paging.total_path` to have this checked."
        )

    def _must_be_all(self) -> bool:
        settings = self._paging.settings
        return settings.check_total and settings.type != "none" and not self._filtered

    @property
    def _shown(self) -> str:
        return shown_location(self._ask.url)

    def _refusal(self, ask: Ask, fault: RequestFailedError) -> SourceError:
        page = f"Page {self._number} of {shown_location(ask.url)}"
        refusal = refused(ask.url, fault)
        if refusal is not None:
            return refusal
        if fault.wait is False and fault.status in (*RETRIED_STATUSES, 403):
            return SourceUnavailableError(
                f"{page} cannot be read now: {fault}, and asks to be left alone for longer than a "
                "run waits.",
                "Run again later, or ask the API for less at a time.",
            )
        if fault.wait is False:
            return SourceUnavailableError(
                f"{page} cannot be read: {fault}.",
                "Correct `url`, `params` or `paging` under `ingestion.source`.",
            )
        return SourceUnavailableError(
            f"{page} could not be read in {counted(self._ahead.tries, 'attempt')}: {fault}.",
            "Look whether the address is right and can be reached, or try again later.",
        )
