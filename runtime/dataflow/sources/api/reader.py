"""API sources: from their settings to one table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError
from dataflow.sources.api.settings import ApiSource
from dataflow.sources.documents import read_documents
from dataflow.sources.incremental import Progress
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind, shown_location
from dataflow.sources.local_file import LocalFile
from dataflow.sources.records import MISSING, JsonLines, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_api(settings: ApiSource, request: ReadRequest) -> Extracted:
    """Read all pages of an API, or those up to the page with which there are enough records.

    Pages go to disk as they come, so that only one is in memory; types are found on all records.

    Raises:
        MissingDependencyError: The library for APIs is not installed.
        SourceUnavailableError: The API does not answer, or refuses.
        SourceDataError: An answer is not JSON, a page came twice or is missing.
        SourceSettingError: A setting cannot be used, or the way of paging must be told.
    """
    try:
        from dataflow.sources.api.pages import Pages
    except ImportError as error:
        raise MissingDependencyError(
            "Reading from APIs needs dlt, which is not installed.",
            "Install it with `pip install 'dataflow-runtime[http]'`.",
        ) from error
    incremental, progress, query = settings.incremental, None, {}
    if incremental:
        progress = Progress(
            incremental.cursor_field,
            request.last_value,
            incremental.initial_value,
            request.window(incremental.look_back),
        )
        if progress.start is not None:
            query = {incremental.param: progress.start}
    pages = Pages(settings, request.parameters, query)
    shown = shown_location(settings.url)
    with tempfile.TemporaryDirectory(prefix="dataflow-") as name:
        lines = JsonLines(Path(name) / "records.jsonl")
        for records in pages:
            lines.add(_new(records, progress) if progress else records)
            if request.limit is not None and lines.count >= request.limit:
                break
        file = LocalFile(lines.path, shown, "jsonl")
        typed = read_documents([file], (), lines=True, contract=request.contract)
    reached = progress.saved() if progress else None
    span = progress.span if progress else None
    notes = [*pages.notes, *typed.notes]
    return Extracted(typed.table, shown, notes, reached, pages.ended, typed.written, span=span)


KIND = SourceKind(ApiSource, read_api)


def _new(records: list[dict[str, Any]], progress: Progress) -> Iterator[dict[str, Any]]:
    for record in records:
        value = value_at(record, progress.field)
        if progress.admit(None if value is MISSING else value, record):
            yield record
