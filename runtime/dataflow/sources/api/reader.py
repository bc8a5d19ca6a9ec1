"""API sources: from ``ingestion.source`` of type api to one table."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError
from dataflow.sources.data_path import MISSING, value_at
from dataflow.sources.documents import read_documents
from dataflow.sources.file.location import LocalFile
from dataflow.sources.incremental import Progress
from dataflow.sources.inference import TypedTable
from dataflow.sources.json_lines import Lines
from dataflow.sources.retry import shown_address

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class ApiAnswer:
    """What an API gave.

    Args:
        typed: The records of all pages as a table, with notes.
        last_value: How far it was read, if it is read incrementally.
        whole: Whether all pages were read.
    """

    typed: TypedTable
    last_value: Any = None
    whole: bool = True


def read_api(
    source: dict[str, Any],
    parameters: dict[str, Any],
    last_value: Any = None,
    *,
    limit: int | None = None,
) -> ApiAnswer:
    """Read all pages of an API.

    Pages go to disk as they come, so that only one is in memory; types are found on all records.

    Args:
        source: ``ingestion.source`` of config.yaml: ``url``, authentication, ``params``,
            ``headers``, ``data_path``, ``paging``, ``incremental``.
        parameters: ``batch_size``, ``max_retries``, ``timeout_seconds``.
        last_value: How far it was read before.
        limit: Stop after the page with which there are so many records; None to read all.

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
    incremental = source.get("incremental") or {}
    field = incremental.get("cursor_field")
    progress = None
    query = {}
    if field:
        progress = Progress(field, last_value, incremental.get("initial_value"))
        if incremental.get("param") and progress.start is not None:
            query = {incremental["param"]: progress.start}
    pages = Pages(source, parameters, query)
    with tempfile.TemporaryDirectory(prefix="dataflow-") as name:
        lines = Lines(Path(name) / "records.jsonl")
        for records in pages:
            lines.add(_new(records, progress) if progress else records)
            if limit is not None and lines.count >= limit:
                break
        file = LocalFile(lines.path, shown_address(source["url"]), "jsonl")
        typed = read_documents([file], (), lines=True)
    notes = [*pages.notes, *typed.notes]
    reached = progress.saved() if progress else None
    return ApiAnswer(TypedTable(typed.table, notes), reached, pages.ended)


def _new(records: list[dict[str, Any]], progress: Progress) -> Iterator[dict[str, Any]]:
    for record in records:
        value = value_at(record, progress.field)
        if progress.admit(None if value is MISSING else value, record):
            yield record
