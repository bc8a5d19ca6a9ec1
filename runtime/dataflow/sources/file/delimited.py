"""CSV and TSV files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted, shortened
from dataflow.shared.sql import quote_literal
from dataflow.sources.column_names import distinct_names
from dataflow.sources.contract_match import names_at_source
from dataflow.sources.duckdb_session import faults_told, open_engine, watching_files
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.agreed_header import agreed_names, repeated_header, settings_of_today
from dataflow.sources.file.content import refuse_other_content
from dataflow.sources.file.encoding import with_plain_line_ends
from dataflow.sources.file.header import values_in
from dataflow.sources.file.last_line import note_on_last_line
from dataflow.sources.file.layout import (
    USUAL,
    Layout,
    beginning_of,
    first_records,
    layout_of,
    lines_of,
    text_below,
)
from dataflow.sources.file.plain_copy import plain_copy
from dataflow.sources.file.shapes import check_shapes
from dataflow.sources.file.text_records import Dialect
from dataflow.sources.file.totals_within import may_have_totals, note_on_totals
from dataflow.sources.file.unsaid_footer import refuse_unsaid_footer
from dataflow.sources.inference import TypedTable, read_typed
from dataflow.sources.local_file import size_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataflow.shared.contract import Contract
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

_LONGEST_LINE = 8 << 20
_MIXED_LINE_ENDS = "reached an invalid state"
_UNEVEN = "Expected Number of Columns"
# Stands for "no text is null"; DuckDB wants at least one.
_NO_NULLS = "\x01"
_REPEATED = "dataflow: a line repeats the header"
_MOST_COMPARED = 40


def read_delimited(
    files: Sequence[LocalFile],
    folder: Path,
    settings: FileSource,
    contract: Contract | None = None,
) -> TypedTable:
    """Read delimited files as one table.

    The table has the columns of all files, by name, and every row of every file in their order.
    Types are found on all rows: a value that does not fit makes its column wider, never null.

    Raises:
        SourceDataError: A file is not as the settings say, or its rows do not fit its header.
        SourceSettingError: The files have different columns, and nothing says that they are one.
    """
    import duckdb

    with faults_told(lambda message: _fault(message, files)):
        try:
            return _read(files, folder, settings, contract)
        except duckdb.Error as error:
            uneven = _UNEVEN in str(error)
            if not uneven and _MIXED_LINE_ENDS not in str(error):
                raise
        if uneven:
            # Rows may end in delimiters that the header lacks, which DuckDB does not allow.
            return _read(files, folder, settings, contract, plain=True)
        files = [with_plain_line_ends(file, folder) for file in files]
        return _read(files, folder, settings, contract)


@dataclass(frozen=True)
class _Part:
    """A file that is ready to be read, and how."""

    file: LocalFile
    layout: Layout
    plain: bool


def _read(
    files: Sequence[LocalFile],
    folder: Path,
    settings: FileSource,
    contract: Contract | None,
    *,
    plain: bool = False,
) -> TypedTable:
    parts, notes = [], []
    for file in files:
        part, told = _part(file, folder, settings, contract, plain=plain)
        parts.append(part)
        notes += told
    agreed = names_at_source(contract)
    headers = {part.layout.names: distinct_names(part.layout.names, agreed) for part in parts}
    columns_of = {part.file.shown: headers[part.layout.names][0] for part in parts}
    lacking = check_shapes(columns_of, settings.union_by_name, contract)
    names: dict[str, str] = {}
    for own_names, _ in headers.values():
        for name in own_names:
            names.setdefault(name.lower(), name)
    notes += dict.fromkeys(note for _, own_notes in headers.values() for note in own_notes)
    text_format = settings.text_format
    nulls = text_format.null_values
    selects = []
    for (layout, is_plain), group in groupby(parts, key=lambda part: (part.layout, part.plain)):
        same = [part.file for part in group]
        position = {name.lower(): i for i, name in enumerate(headers[layout.names][0])}
        missing = [name for key, name in names.items() if key not in position]
        if missing:
            shown = same[0].shown if len(same) == 1 else f"{same[0].shown} and {len(same) - 1} more"
            notes.append(f"{shown} lacks {', '.join(map(quoted, missing))}: null in its rows.")
        columns = [
            f"{text_format.value(f'f{position[key]}', name)} AS c{number}"
            if key in position
            else f"NULL::VARCHAR AS c{number}"
            for number, (key, name) in enumerate(names.items())
        ]
        if _refuses_repeats(layout, settings, contract):
            place = next(place for place, key in enumerate(names) if key in position)
            columns[place] = _unless_repeated(layout.names, columns[place])
        scan = _scan(same, layout, nulls, plain=is_plain)
        selects.append(f"SELECT {', '.join(columns)} FROM {scan}")  # noqa: S608
    relation = f"({' UNION ALL '.join(selects)})"
    listed = list(names.values())
    size, is_whole = size_of(part.file for part in parts), contract is not None
    with open_engine() as connection, watching_files(connection, size, is_whole=is_whole):
        typed = read_typed(
            connection, relation, listed, text_format.rules, text_format.completed(contract)
        )
    notes = [*notes, *text_format.notes(listed), *typed.notes]
    return replace(typed, notes=notes, lacking=lacking)


def _refuses_repeats(layout: Layout, settings: FileSource, contract: Contract | None) -> bool:
    """Whether a line that repeats the header, of which nobody has spoken, ends the run.

    Where values are put aside that are not as agreed, such a line is one of them, unless its names
    are as agreed as any text.
    """
    if contract is None or settings.repeated_headers or layout.header_rows != 1:
        return False
    texts = all(column.database_type == "VARCHAR" for column in contract.columns.values())
    return len(layout.names) > 1 and (contract.on_change.bad_value == "fail" or texts)


def _unless_repeated(names: Sequence[str], column: str) -> str:
    """SQL of a column that fails in a row of nothing but the names."""
    value, _, key = column.rpartition(" AS ")
    same = " AND ".join(
        f"f{place} = {quote_literal(name)}" if name else f"f{place} IS NULL"
        for place, name in enumerate(names[:_MOST_COMPARED])
    )
    # The message must not be a constant: DuckDB would work it out, and fail, at once.
    failure = f"error('{_REPEATED}' || left(concat(f0), 0))"
    return f"CASE WHEN {same} THEN {failure} ELSE {value} END AS {key}"


def _part(
    file: LocalFile,
    folder: Path,
    settings: FileSource,
    contract: Contract | None,
    *,
    plain: bool,
) -> tuple[_Part, list[str]]:
    """A file as it is where DuckDB can read it so, else a copy that it can read."""
    refuse_other_content(file)
    text = beginning_of(file)
    layout, rows = layout_of(file, text, settings)
    notes = []
    today = contract and settings_of_today(text, layout, settings, agreed_names(contract))
    if today:
        settings, told_today = today
        layout, rows = layout_of(file, text, settings)
        notes.append(f"{file.shown}: {told_today}")
    if not rows or not layout.names:
        raise SourceDataError(
            f"{file.shown} is empty: it has not even a header line.",
            "Put the columns' names into its first line.",
        )
    mark = layout.dialect.comment
    above = [line.split() for line in lines_of(text)[: layout.skipped]]
    titles = [words for words in above if not (mark and "".join(words).startswith(mark))]
    left_out = " ".join(word for words in titles for word in words)
    if left_out:
        lines = "first line is" if layout.skipped == 1 else f"first {layout.skipped} lines are"
        notes.append(f"{file.shown}: the {lines} left out: {shortened(left_out)!r}.")
    if layout.header_rows:
        notes += _doubts(file, layout, rows)
    if contract is not None and settings.final_newline is not False:
        notes += filter(None, [note_on_last_line(file)])
    if contract is not None and settings.footer_lines is None:
        refuse_unsaid_footer(file, layout)
    if contract is not None and may_have_totals(text):
        below = first_records(text_below(text, layout.skipped), layout.dialect, len(text))
        data = (row for _, row in below[layout.header_rows + layout.below :])
        notes += filter(None, [note_on_totals(file.shown, data, len(layout.names))])
    if not plain and _is_plain(layout, rows, settings):
        return _Part(file, layout, plain=False), notes
    copy, told = plain_copy(file, layout, settings, folder, contract)
    return _Part(copy, layout, plain=True), notes + told


def _is_plain(layout: Layout, rows: list[list[str]], settings: FileSource) -> bool:
    """Whether DuckDB reads a file as it is."""
    dialect = layout.dialect
    return not (
        dialect.by_position
        or dialect.comment
        or len(dialect.delimiter) > 1
        or layout.header_rows > 1
        or layout.below
        or settings.footer_lines
        or settings.short_rows == "fill"
        or settings.repeated_headers == "skip"
        or (layout.header_rows and len(rows[0]) != len(layout.names))
    )


def _scan(
    files: Sequence[LocalFile], layout: Layout, null_values: Sequence[str], *, plain: bool
) -> str:
    """The call that reads files of one layout as text."""
    dialect = Dialect() if plain else layout.dialect
    skipped = 0 if plain else layout.skipped
    header = "false" if plain or not layout.header_rows else "true"
    columns = ", ".join(f"f{number}: 'VARCHAR'" for number in range(len(layout.names)))
    paths = ", ".join(quote_literal(file.path) for file in files)
    nulls = ", ".join(quote_literal(text) for text in null_values or [_NO_NULLS])
    return (
        f"read_csv([{paths}], auto_detect = false, header = {header}, skip = {skipped}, "
        f"delim = {quote_literal(dialect.delimiter)}, quote = {quote_literal(dialect.quote)}, "
        f"escape = {quote_literal(dialect.escape or dialect.quote)}, comment = '', "
        f"compression = 'none', columns = {{{columns}}}, nullstr = [{nulls}], "
        f"max_line_size = {_LONGEST_LINE})"
    )


def _doubts(file: LocalFile, layout: Layout, rows: list[list[str]]) -> list[str]:
    """What may be wrong with how a file was taken."""
    header, notes = rows[0], []
    if (values := values_in(header)) and layout.header_rows == 1:
        notes.append(
            f"{file.shown}: the first line is taken for the columns' names, though "
            f"{quoted(values[0])} in it looks like a value. If it is one, set `header: false`, or "
            "put a line with names above it."
        )
    if len(header) == 1 and any(
        sign in header[0] and len({record[0].count(sign) for record in rows}) == 1 for sign in USUAL
    ):
        notes.append(
            f"{file.shown} is read as one column, {shortened(header[0])!r}: its lines stand in "
            "quotes as a whole. Take the quotes away where the file comes from, to have columns."
        )
        return notes
    parts = len(header[0].split())
    if (
        len(header) == 1
        and parts > 1
        and all(len(" ".join(record).split()) == parts for record in rows)
    ):
        notes.append(
            f"{file.shown} is read as one column, {shortened(header[0])!r}. If blanks or another "
            "sign part its values, set `delimiter`."
        )
    return notes


def _fault(message: str, files: Sequence[LocalFile]) -> SourceDataError:
    """DuckDB's error in our words: which file, which line, what is wrong, what to do."""
    file = next((file for file in files if str(file.path) in message), files[0])
    if _REPEATED in message:
        return repeated_header(file)
    line = re.search(r"CSV Error on Line: (\d+)", message)
    place = f"{file.shown}, line {int(line[1]):,}" if line else file.shown
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
