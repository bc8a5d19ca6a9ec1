"""API sources: from their settings to one table."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.step_progress import step_progress
from dataflow.sources.api.new_records import FieldSeen, new_records, new_rows
from dataflow.sources.api.settings import ApiSource
from dataflow.sources.documents import read_documents
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.incremental import Progress
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind, shown_location
from dataflow.sources.local_file import LocalFile
from dataflow.sources.records import JsonLines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.contract import Contract
    from dataflow.sources.api.ahead import Ahead
    from dataflow.sources.api.exchange import Ask, Exchange
    from dataflow.sources.api.pages import Pages
    from dataflow.sources.inference import TypedTable


_SERIAL = (
    "`ingestion.parameters.concurrency` had no effect: each answer says how to ask for the next "
    "page, so they were read one after another."
)


def read_api(settings: ApiSource, request: ReadRequest) -> Extracted:
    """Read all pages of an API, or those up to the page with which there are enough records.

    Pages go to disk as they come, so that only one is in memory; types are found on all records.

    Raises:
        MissingDependencyError: The library for APIs is not installed.
        SourceUnavailableError: The API does not answer, or refuses.
        SourceDataError: An answer is an error or not what it is said to be, a page came twice or is
            missing.
        SourceSettingError: A setting cannot be used, or the way of paging must be told.
    """
    try:
        from dataflow.sources.api.exchange import Exchange
    except ImportError as error:
        raise MissingDependencyError(
            "Reading from APIs needs requests and tenacity, which are not installed.",
            "Install them with `pip install 'dataflow-runtime[http]'`.",
        ) from error
    incremental, progress = settings.incremental, None
    if incremental:
        progress = Progress(
            incremental.cursor_field,
            request.last_value,
            incremental.initial_value,
            request.window(incremental.look_back),
            texts_are_numbers=True,
        )
        progress.types = _declared_types(request.contract)
    shown = shown_location(settings.url)
    with tempfile.TemporaryDirectory(prefix="dataflow-") as name:
        reading = _Reading(settings, request, progress, Path(name))
        typed = reading.read(Exchange(settings, request.parameters))
    if reading.field is not None and (note := reading.field.refuse_unknown(request.last_value)):
        reading.notes.append(note)
    table, conformed = typed.table, typed.conformed
    if reading.is_csv and progress:
        table = new_rows(table, progress, _name_of(progress.field, request.contract))
        conformed = replace(conformed, table=table) if conformed else None
    return Extracted(
        table,
        shown,
        [*dict.fromkeys(reading.notes), *typed.notes],
        progress.saved() if progress else None,
        reading.ended,
        typed.written,
        conformed,
        progress.span if progress else None,
    )


KIND = SourceKind(ApiSource, read_api)


class _Reading:
    """One reading of a source, whose records lie in a folder."""

    def __init__(
        self, settings: ApiSource, request: ReadRequest, progress: Progress | None, folder: Path
    ) -> None:
        self.settings, self.request, self.progress, self.folder = (
            settings,
            request,
            progress,
            folder,
        )
        self.notes: list[str] = []
        self.ended = True
        self.field = FieldSeen(progress.field) if progress else None
        self.files: list[LocalFile] = []
        self._seen: list[LocalFile] = []

    @property
    def is_csv(self) -> bool:
        """Whether the answers were files, whose types are found over all of them."""
        return bool(self.files)

    def read(self, exchange: Exchange) -> TypedTable:
        """Read all pages into one table."""
        from dataflow.sources.api.ahead import Ahead

        lines = JsonLines(self.folder / "records.jsonl")
        read, progress = 0, step_progress()
        progress.begin(of="pages")
        ahead = Ahead(exchange, self.at_once)
        try:
            for pages, parent in self._of_each(exchange, ahead):
                if self._is_enough(lines):
                    self.ended = False
                    break
                for records in pages:
                    self._keep(lines, pages, records, parent)
                    read += 1
                    # Of the records of one parent only, where there are several.
                    total = pages.total if parent is None else None
                    progress.count(parts=read, rows=lines.count, total_rows=total)
                    if self._is_enough(lines):
                        break
                self.notes += pages.notes
                self.ended = self.ended and pages.ended
                if pages.is_serial and self.at_once > 1 and parent is None:
                    self.notes.append(_SERIAL)
        finally:
            ahead.close()
        if not self.files:
            shown = shown_location(self.settings.url)
            file = LocalFile(lines.path, shown, "jsonl")
            return read_documents([file], (), lines=True, contract=self.request.contract)
        from dataflow.sources.api.answer_formats import read_csv

        return read_csv(self.files, self.folder, self.request.contract)

    @property
    def at_once(self) -> int:
        """How many pages to ask for at a time; where a few records are enough, one."""
        return self.request.parameters.concurrency if self.request.limit is None else 1

    def _is_enough(self, lines: JsonLines) -> bool:
        return self.request.limit is not None and lines.count >= self.request.limit

    def _of_each(self, exchange: Exchange, ahead: Ahead) -> Iterator[tuple[Pages, Any]]:
        """The pages of each first request, of which the next ones are sent once one is read."""
        waiting: deque[tuple[Pages, Any]] = deque()
        asks, is_read = self._asks(exchange), False
        while True:
            for ask, parent in islice(asks, self.at_once - len(waiting)):
                waiting.append((self._pages(ask, ahead), parent))
            if not waiting:
                return
            if is_read:
                ahead.send([pages.first for pages, _ in waiting])
            yield waiting.popleft()
            is_read = True

    def _asks(self, exchange: Exchange) -> Iterator[tuple[Ask, Any]]:
        """The first requests, each with the value of its parent, if it has one."""
        from dataflow.sources.api.parents import ask_for, parent_values
        from dataflow.sources.api.placing import first_ask, placing_of

        incremental, parent = self.settings.incremental, self.settings.for_each
        ask = first_ask(self.settings)
        if incremental and self.progress and self.progress.start is not None:
            ask = placing_of(self.settings).put(ask, incremental.param, self.progress.start)
        if parent is None:
            yield ask, None
            return
        size = self.request.parameters.batch_size
        for value in list(parent_values(parent, exchange, size, self.folder, self.at_once)):
            yield ask_for(ask, parent.as_, value), value

    def _pages(self, ask: Ask, ahead: Ahead) -> Pages:
        from dataflow.sources.api.pages import Pages
        from dataflow.sources.api.placing import placing_of

        filtered = self.progress is not None and self.progress.start is not None
        return Pages(
            self.settings,
            ask,
            ahead,
            placing_of(self.settings),
            self.request.parameters.batch_size,
            self.folder,
            filtered=filtered,
        )

    def _keep(
        self, lines: JsonLines, pages: Pages, records: list[dict[str, Any]], parent: Any
    ) -> None:
        """Put a page's records on disk, as far as they are new."""
        if pages.format == "csv":
            self._keep_files(lines, pages, len(records), parent)
            return
        if records and self.files:
            raise _mixed()
        written: list[str] | None = pages.lines
        if self.settings.for_each is not None:
            from dataflow.sources.api.parents import with_parent

            shown = shown_location(self.settings.url)
            records, written = with_parent(records, self.settings.for_each.as_, parent, shown), None
        if self.field is not None:
            self.field.look_at(records)
        if self.progress:
            lines.add(new_records(records, self.progress))
        else:
            lines.add(records, written)

    def _keep_files(self, lines: JsonLines, pages: Pages, count: int, parent: Any) -> None:
        if lines.count and not self.files:
            raise _mixed()
        new = [file for file in pages.files if file not in self._seen]
        self._seen += new
        if self.settings.for_each is not None:
            from dataflow.sources.api.answer_formats import with_parent_column

            new = [with_parent_column(file, self.settings.for_each.as_, parent) for file in new]
        self.files += new
        # They are counted only: the files themselves are read.
        lines.count += count


def _declared_types(contract: Contract | None) -> dict[str, str]:
    """The types of a contract's columns, by their names at the source."""
    columns = contract.columns if contract else {}
    return {column.source or name: column.database_type for name, column in columns.items()}


def _name_of(field: str, contract: Contract | None) -> str:
    """What a column of the source is called in the table."""
    columns = contract.columns if contract else {}
    return next((name for name, column in columns.items() if column.source == field), field)


def _mixed() -> SourceSettingError:
    return SourceSettingError(
        "The API answers in CSV on one page, and in JSON on another.",
        "Set `ingestion.source.format`, and `headers` that ask for it, such as `Accept`.",
    )
