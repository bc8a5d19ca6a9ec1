"""CSV and TSV files."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted, shortened
from dataflow.shared.sql import quote_literal
from dataflow.sources.column_names import distinct_names
from dataflow.sources.duckdb_session import faults_told, open_engine
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.encoding import with_plain_line_ends
from dataflow.sources.inference import TypedTable, read_typed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataflow.shared.contract import Contract
    from dataflow.sources.local_file import LocalFile

_DELIMITERS = (",", ";", "\t", "|")
# How much of a file its delimiter and header are looked for in.
_BYTES = 1 << 18
_RECORDS = 50
_LONGEST_LINE = 8 << 20
_WEB_PAGE = re.compile(r"\s*<(!doctype html|html)\b", re.IGNORECASE)
# A number or an ISO date, as names of columns are not; years are, in wide tables.
_LIKE_A_VALUE = re.compile(r"[-+]?\d+([.,]\d+)?(e[-+]?\d+)?|\d{4}-\d\d-\d\d([ T].*)?")
_YEAR = re.compile(r"(1[5-9]|2[01])\d\d")
# A header and a row.
_SHORTEST_TABLE = 2
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
    contract: Contract | None = None,
) -> TypedTable:
    """Read delimited files with a header line as one table.

    The table has the columns of all files, by name, and every row of every file in their order.
    Types are found on all rows: a value that does not fit makes its column wider, never null.
    """
    import duckdb

    with faults_told(lambda message: _fault(message, files)):
        try:
            return _read(files, null_values, delimiter, contract)
        except duckdb.Error as error:
            if _MIXED_LINE_ENDS not in str(error):
                raise
        files = [with_plain_line_ends(file, folder) for file in files]
        return _read(files, null_values, delimiter, contract)


def _read(
    files: Sequence[LocalFile],
    null_values: Sequence[str],
    delimiter: str | None,
    contract: Contract | None,
) -> TypedTable:
    found = [_layout(file, delimiter) for file in files]
    layouts = [layout for layout, _ in found]
    headers = {layout.header: distinct_names(layout.header) for layout in dict.fromkeys(layouts)}
    names: dict[str, str] = {}
    for own_names, _ in headers.values():
        for name in own_names:
            names.setdefault(name.lower(), name)
    notes = [note for _, own_notes in found for note in own_notes]
    notes += dict.fromkeys(note for _, own_notes in headers.values() for note in own_notes)
    selects = []
    for layout, group in groupby(zip(files, layouts, strict=True), key=lambda pair: pair[1]):
        same = [file for file, _ in group]
        position = {name.lower(): i for i, name in enumerate(headers[layout.header][0])}
        missing = [name for key, name in names.items() if key not in position]
        if missing:
            shown = same[0].shown if len(same) == 1 else f"{same[0].shown} and {len(same) - 1} more"
            notes.append(f"{shown} lacks {', '.join(map(quoted, missing))}: null in its rows.")
        columns = (
            f"f{position[key]} AS c{number}" if key in position else f"NULL::VARCHAR AS c{number}"
            for number, key in enumerate(names)
        )
        scan = _scan(same, layout, null_values)
        selects.append(f"SELECT {', '.join(columns)} FROM {scan}")  # noqa: S608
    relation = f"({' UNION ALL '.join(selects)})"
    with open_engine() as connection:
        typed = read_typed(connection, relation, list(names.values()), contract=contract)
    return replace(typed, notes=notes + typed.notes)


def _scan(files: Sequence[LocalFile], layout: _Layout, null_values: Sequence[str]) -> str:
    """The call that reads files of one layout as text."""
    columns = ", ".join(f"f{number}: 'VARCHAR'" for number in range(len(layout.header)))
    paths = ", ".join(quote_literal(file.path) for file in files)
    nulls = ", ".join(quote_literal(text) for text in null_values or [_NO_NULLS])
    return (
        f"read_csv([{paths}], auto_detect = false, header = true, skip = {layout.skipped}, "
        f"delim = {quote_literal(layout.delimiter)}, quote = '\"', escape = '\"', comment = '', "
        f"compression = 'none', columns = {{{columns}}}, nullstr = [{nulls}], "
        f"max_line_size = {_LONGEST_LINE})"
    )


def _layout(file: LocalFile, delimiter: str | None) -> tuple[_Layout, list[str]]:
    """How a file is written, and what a person should know about that."""
    with file.path.open("rb") as stream:
        start = stream.read(_BYTES)
    text = start.decode("utf-8-sig", errors="replace")
    if len(start) == _BYTES:
        text = text[: text.rfind("\n") + 1] or text
    if _WEB_PAGE.match(text):
        raise SourceDataError(
            f"{file.shown} is a web page (HTML), not a table.",
            "Look at it in a browser: it may say why, or link to the file itself.",
        )
    if file.format == "tsv":
        delimiter = delimiter or "\t"
    chosen = delimiter or max(_DELIMITERS, key=lambda candidate: _score(text, candidate))
    records = _records(text, chosen)
    if not records:
        raise SourceDataError(
            f"{file.shown} is empty: it has not even a header line.",
            "Put the columns' names into its first line.",
        )
    before = _preamble(records)
    skipped, header = records[before]
    notes = []
    if before:
        left_out = " ".join(text.split("\n")[:skipped])
        lines = "first line is" if skipped == 1 else f"first {skipped} lines are"
        notes.append(f"{file.shown}: the {lines} left out: {shortened(left_out)!r}.")
    return _Layout(chosen, tuple(header), skipped), notes + _doubts(file, header, records[before:])


def _preamble(records: list[tuple[int, list[str]]]) -> int:
    """How many records stand before the header: lines of one value above a table of several."""
    widths = [len(record) for _, record in records]
    before = next((i for i, width in enumerate(widths) if width > 1), 0)
    table = widths[before:]
    if len(table) < _SHORTEST_TABLE or len(set(table)) > 1 or _values_in(records[before][1]):
        return 0
    return before


def _doubts(file: LocalFile, header: list[str], records: list[tuple[int, list[str]]]) -> list[str]:
    """What may be wrong with how a file was taken."""
    notes = []
    if values := _values_in(header):
        notes.append(
            f"{file.shown}: the first line is taken for the columns' names, though "
            f"{quoted(values[0])} in it looks like a value. If it is one, put a line with names "
            "above it."
        )
    parts = len(header[0].split())
    if (
        len(header) == 1
        and parts > 1
        and all(len(" ".join(record).split()) == parts for _, record in records)
    ):
        notes.append(
            f"{file.shown} is read as one column, {shortened(header[0])!r}. If blanks or another "
            "sign part its values, set `delimiter`."
        )
    return notes


def _values_in(header: list[str]) -> list[str]:
    """The cells of a header that look like values, not like names."""
    found = [cell.strip() for cell in header if _LIKE_A_VALUE.fullmatch(cell.strip())]
    if all(map(_YEAR.fullmatch, found)):
        return []
    # Columns without names of their own are often numbered.
    numbered = [str(number) for number in range(len(header))]
    return [] if found in (numbered, [*numbered[1:], str(len(header))]) else found


def _score(text: str, delimiter: str) -> tuple[bool, int]:
    """Whether all records from the header on have as many values, and how many those are."""
    records = _records(text, delimiter)
    widths = [len(record) for _, record in records[_preamble(records) :]]
    return (len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0)


def _records(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The first records that are not empty, each with the number of lines before it."""
    records: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 0
    try:
        for record in islice(reader, _RECORDS):
            if record:
                records.append((line, record))
            line = reader.line_num
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
            "Correct that line (a value with the delimiter in it needs quotes), or set "
            "`ingestion.source.delimiter`.",
        )
    if "unterminated quote" in message:
        return SourceDataError(
            f"{place}: a quotation mark is opened and never closed.", "Correct that line."
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
    return SourceDataError(f"{place} cannot be read: {first}", "Correct the file, or its source.")
