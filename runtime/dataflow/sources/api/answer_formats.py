"""What an answer holds, by its media type or the settings: JSON, JSON Lines or CSV."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources import exact_numbers
from dataflow.sources.api.error_answers import is_error_line
from dataflow.sources.api.exchange import is_gzip
from dataflow.sources.errors import SourceDataError
from dataflow.sources.kind import shown_location
from dataflow.sources.local_file import LocalFile
from dataflow.sources.records import parted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataflow.shared.contract import Contract
    from dataflow.sources.api.exchange import Answer
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.inference import TypedTable

# No content, reset content.
NO_CONTENT = (204, 205)
_CSV = ("text/csv", "application/csv", "text/x-csv")
_LINES = (
    *("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
    *("application/jsonlines", "application/json-lines", "application/json-seq"),
    *("application/x-json-stream", "application/stream+json", "text/x-ndjson"),
)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_RECORD_SEPARATOR = "\x1e"


@dataclass(frozen=True)
class Content:
    """An answer as far as it is understood.

    Args:
        document: Its JSON; the list of its records where it is JSON Lines or CSV; None where there
            is nothing in it.
        format: What it is.
        file: The text on disk, where it is CSV: its types are found over all pages.
    """

    document: Any
    format: str
    file: LocalFile | None = None


def read_content(answer: Answer, told: str | None, name: str, folder: Path) -> Content:
    """Understand an answer.

    Args:
        told: ``format`` of the settings.
        name: What messages call the answer.
        folder: Where files may be put.

    Raises:
        SourceDataError: It is not what it is said to be.
    """
    body = answer.body
    if answer.status in NO_CONTENT:
        return Content([], told or "json")
    if is_gzip(body):
        body = _unzipped(body, name)
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    form = told or _format(media, answer.url)
    if form != "csv":
        text = _text(answer, body, name)
        lines = form == "jsonl" or _are_lines(text, media)
        return Content(_lines(text, name), "jsonl") if lines else _json(text, media, name)
    text = _text(answer, body, name)
    if not text.strip():
        return Content([], "csv")
    if text.lstrip()[:1] in ("{", "["):
        # Such is an error where a file was asked for; a header begins so only in quotes.
        try:
            return Content(exact_numbers.loads(text), "json")
        except ValueError:
            pass
    return _csv(text, name, folder)


def _format(media: str, url: str) -> str:
    if media in _CSV:
        return "csv"
    if media in _LINES:
        return "jsonl"
    path = url.partition("?")[0].lower().removesuffix(".gz")
    plain = media in ("", "text/plain", "application/gzip", "application/x-gzip")
    if path.endswith(".csv") and (plain or media == "application/octet-stream"):
        return "csv"
    return "json"


def _unzipped(body: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(body)
    except (EOFError, OSError, zlib.error) as error:
        raise SourceDataError(
            f"{name} is compressed by gzip, and cut short or broken.",
            "Run again; if it stays so, ask those who run the API.",
        ) from error


def _text(answer: Answer, body: bytes, name: str) -> str:
    named = _CHARSET.search(answer.headers.get("Content-Type", ""))
    # JSON tells its own encoding, by its first bytes.
    encoding = json.detect_encoding(body)
    if named and encoding == "utf-8":
        encoding = named[1]
    try:
        return body.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise SourceDataError(
            f"{name} is not written in {encoding}.",
            "Ask those who run the API, or read it with code of your own in ingestion.py.",
        ) from error


def _are_lines(text: str, media: str) -> bool:
    """Whether what is called JSON is JSON Lines: an object on each of several lines."""
    if text.lstrip()[:1] != "{" or "html" in media:
        return False
    first, _, rest = text.strip().partition("\n")
    try:
        return bool(rest.strip()) and isinstance(exact_numbers.loads(first), dict)
    except ValueError:
        return False


def _json(text: str, media: str, name: str) -> Content:
    try:
        return Content(parted(exact_numbers.loads(text)), "json")
    except (ValueError, RecursionError) as error:
        raise SourceDataError(
            f"{name} is not JSON ({media or 'no media type'}): {error}.",
            "Look whether `ingestion.source.url` is the address of the API, not of a page to look "
            "at, and whether `format` is right; if it is a file, set `type` to file.",
        ) from error


def _lines(text: str, name: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    # Not by splitlines(): a text in JSON may hold what Unicode counts as the end of a line.
    for number, line in enumerate(text.split("\n"), start=1):
        written = line.strip().strip(_RECORD_SEPARATOR)
        if not written:
            continue
        try:
            record = exact_numbers.loads(written)
        except (ValueError, RecursionError) as error:
            raise SourceDataError(
                f"{name}, line {number:,}, is not JSON: {error}.",
                "Set `ingestion.source.format` to what the answer is; if it was cut short, run "
                "again.",
            ) from error
        if not isinstance(record, dict):
            raise SourceDataError(
                f"{name}, line {number:,}, holds values that are not objects.",
                "Each line must be a JSON object, whose keys are the names of the columns.",
            )
        if records and is_error_line(record, records[0]):
            raise SourceDataError(
                f"{name} breaks off with an error in line {number:,}.",
                "Run again later; if it stays so, ask those who run the API.",
            )
        records.append(record)
    return records


def _csv(text: str, name: str, folder: Path) -> Content:
    path = folder / f"answer-{sum(1 for _ in folder.iterdir()):06}.csv"
    path.write_text(text, encoding="utf-8", newline="")
    file = LocalFile(path, shown_location(name), "csv")
    return Content(read_csv([file], folder).table.to_pylist(), "csv", file)


def read_csv(
    files: Sequence[LocalFile], folder: Path, contract: Contract | None = None
) -> TypedTable:
    """Answers in CSV as one table: by a contract, or with types that are found over all of them."""
    from dataflow.sources.file.delimited import read_delimited

    return read_delimited(files, folder, _csv_settings(), contract)


def with_parent_column(file: LocalFile, name: str, value: Any) -> LocalFile:
    """A copy of an answer in CSV with the value that it was asked for, as its first column.

    Raises:
        SourceDataError: It has another value under this name already.
    """
    from dataflow.sources.file.layout import beginning_of, layout_of

    text = str(value).lower() if isinstance(value, bool) else str(value)
    layout, _ = layout_of(file, beginning_of(file), _csv_settings())
    own = [column.lower() for column in layout.names]
    place = own.index(name.lower()) if name.lower() in own else None
    copy = file.path.with_name(f"of-parent-{file.path.name}")
    with (
        file.path.open(encoding="utf-8-sig", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        writer = csv.writer(target, lineterminator="\n")
        rows = layout.dialect.records(islice(source, layout.skipped, None), strict=False)
        for number, (_, row) in enumerate(rows):
            is_header = number < layout.header_rows
            if place is None:
                writer.writerow([name if is_header else text, *row])
                continue
            if not is_header and len(row) > place and row[place].strip() not in ("", text):
                raise other_parent(file.shown, row[place], name, value)
            writer.writerow(row if is_header else [*row[:place], text, *row[place + 1 :]])
    return replace(file, path=copy)


def other_parent(shown: str, own: Any, name: str, value: Any) -> SourceDataError:
    """A record that has another value than it was asked for, under the same name."""
    return SourceDataError(
        f"A record of {shown} has {quoted(own)} at {quoted(name)} already, and was asked "
        f"for with {quoted(value)}.",
        "Choose another name for `ingestion.source.for_each.as`.",
    )


def _csv_settings() -> FileSource:
    from dataflow.sources.file.settings import FileSource

    # Pages of one answer are one table.
    return FileSource(type="file", url="answer.csv", union_by_name=True, final_newline=False)
