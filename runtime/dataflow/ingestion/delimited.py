"""CSV and TSV files."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING

from dataflow.ingestion.encoding import with_plain_line_ends
from dataflow.ingestion.engine import literal, open_engine
from dataflow.ingestion.errors import SourceDataError
from dataflow.ingestion.inference import TypedTable, read_typed
from dataflow.ingestion.names import distinct_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataflow.ingestion.location import LocalFile

__all__ = ["read_delimited"]

_DELIMITERS = (",", ";", "\t", "|")
# How much of a file its delimiter and header are looked for in.
_BYTES = 1 << 18
_RECORDS = 50
_LONGEST_LINE = 8 << 20
_MIXED_LINE_ENDS = "reached an invalid state"
# Stands for "no text is null"; DuckDB wants at least one.
_NO_NULLS = "\x01"


@dataclass(frozen=True)
class _Layout:
    """How a file is written."""

    delimiter: str
    header: tuple[str, ...]
    skipped: int


def read_delimited(
    files: Sequence[LocalFile],
    folder: Path,
    null_values: Sequence[str] = ("",),
    delimiter: str | None = None,
) -> TypedTable:
    """Read delimited files with a header line as one table.

    The table has the columns of all files, by name, and every row of every file in their order.
    Types are found on all rows: a value that does not fit makes its column wider, never null.

    Args:
        files: Files of format csv or tsv, in UTF-8.
        folder: A folder for files on the way.
        null_values: Texts that mean that there is no value.
        delimiter: What is between the values; found out if not given.

    Raises:
        SourceDataError: A file has no header, or a line that does not fit it; both are named.
    """
    import duckdb

    try:
        return _read(files, null_values, delimiter)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        if _MIXED_LINE_ENDS not in str(error):
            raise _fault(str(error), files) from error
    plain = [with_plain_line_ends(file, folder) for file in files]
    try:
        return _read(plain, null_values, delimiter)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise _fault(str(error), plain) from error


def _read(
    files: Sequence[LocalFile], null_values: Sequence[str], delimiter: str | None
) -> TypedTable:
    layouts = [_layout(file, delimiter) for file in files]
    headers = {layout.header: distinct_names(layout.header) for layout in dict.fromkeys(layouts)}
    names: dict[str, str] = {}
    for own_names, _ in headers.values():
        for name in own_names:
            names.setdefault(name.lower(), name)
    notes = list(dict.fromkeys(note for _, own_notes in headers.values() for note in own_notes))
    selects = []
    for layout, group in groupby(zip(files, layouts, strict=True), key=lambda pair: pair[1]):
        same = [file for file, _ in group]
        position = {name.lower(): i for i, name in enumerate(headers[layout.header][0])}
        missing = [name for key, name in names.items() if key not in position]
        if missing:
            shown = same[0].shown if len(same) == 1 else f"{same[0].shown} and {len(same) - 1} more"
            notes.append(f"{shown} lacks {', '.join(map(repr, missing))}: null in its rows.")
        columns = (
            f"f{position[key]} AS c{number}" if key in position else f"NULL::VARCHAR AS c{number}"
            for number, key in enumerate(names)
        )
        scan = _scan(same, layout, null_values)
        selects.append(f"SELECT {', '.join(columns)} FROM {scan}")  # noqa: S608
    relation = f"({' UNION ALL '.join(selects)})"
    with open_engine() as connection:
        typed = read_typed(connection, relation, list(names.values()))
    return TypedTable(typed.table, notes + typed.notes)


def _scan(files: Sequence[LocalFile], layout: _Layout, null_values: Sequence[str]) -> str:
    """The call that reads files of one layout as text."""
    columns = ", ".join(f"f{number}: 'VARCHAR'" for number in range(len(layout.header)))
    paths = ", ".join(literal(str(file.path)) for file in files)
    nulls = ", ".join(literal(text) for text in null_values or [_NO_NULLS])
    return (
        f"read_csv([{paths}], auto_detect = false, header = true, skip = {layout.skipped}, "
        f"delim = {literal(layout.delimiter)}, quote = '\"', escape = '\"', comment = '', "
        f"compression = 'none', columns = {{{columns}}}, nullstr = [{nulls}], "
        f"max_line_size = {_LONGEST_LINE})"
    )


def _layout(file: LocalFile, delimiter: str | None) -> _Layout:
    with file.path.open("rb") as stream:
        start = stream.read(_BYTES)
    text = start.decode("utf-8-sig", errors="replace")
    if len(start) == _BYTES:
        text = text[: text.rfind("\n") + 1] or text
    if file.format == "tsv":
        delimiter = delimiter or "\t"
    chosen = delimiter or max(_DELIMITERS, key=lambda candidate: _score(text, candidate))
    records = _records(text, chosen)
    header = next((record for record in records if record), None)
    if header is None:
        raise SourceDataError(
            f"{file.shown} is empty: it has not even a header line.",
            "Put the columns' names into its first line.",
        )
    blank = len(text) - len(text.lstrip("\r\n"))
    return _Layout(chosen, tuple(header), text[:blank].count("\n"))


def _score(text: str, delimiter: str) -> tuple[bool, int]:
    """Whether all records have as many values as the header, and how many those are."""
    widths = [len(record) for record in _records(text, delimiter) if record]
    return (len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0)


def _records(text: str, delimiter: str) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        records.extend(islice(reader, _RECORDS))
    except csv.Error:
        # A value longer than Python's reader takes; the records before it say enough.
        return records
    return records


def _fault(message: str, files: Sequence[LocalFile]) -> SourceDataError:
    """DuckDB's error in our words: which file, which line, what is wrong, what to do."""
    file = next((file for file in files if str(file.path) in message), files[0])
    line = re.search(r"CSV Error on Line: (\d+)", message)
    place = f"{file.shown}, line {int(line[1]):,}" if line else file.shown
    widths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if widths:
        return SourceDataError(
            f"{place}: there are {widths[2]} values, and the header names {widths[1]} columns.",
            "Mend that line (a value with the delimiter in it needs quotes), or set "
            "`ingestion.source.delimiter`.",
        )
    if "unterminated quote" in message:
        return SourceDataError(
            f"{place}: a quotation mark is opened and never closed.", "Mend that line."
        )
    if "nicode" in message or "not utf-8" in message:
        return SourceDataError(
            f"{place}: the file is not in UTF-8.",
            "Save it as UTF-8, or set `ingestion.source.encoding`, for example to cp1252.",
        )
    if "Maximum line size" in message:
        return SourceDataError(
            f"{place}: the line is longer than {_LONGEST_LINE >> 20} MiB.",
            "Look for a quotation mark that is never closed.",
        )
    first = message.strip().splitlines()[0]
    return SourceDataError(f"{place} cannot be read: {first}", "Mend the file, or its source.")
