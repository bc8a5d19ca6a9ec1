"""What stands around the rows of a table, in a text file or a sheet, as settings that say it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import shortened
from dataflow.sources.column_names import distinct_names
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.footer import total_in
from dataflow.sources.file.header import contrast, has_kinds, head_of, joined_names
from dataflow.sources.file.layout import beginning_of, layout_of, lines_of, records_below
from dataflow_tools.inspection.several_tables import Record, beside_one_another, one_table
from dataflow_tools.inspection.table_survey import Survey, survey
from dataflow_tools.inspection.text_dialect import propose_dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

# Of larger files only the beginning is looked at for what is no row.
_LARGEST_SURVEY = 64 << 20
_FIRST = 100
# Below names and units.
_KINDS_AT = 2


@dataclass
class TableSettings:
    """Settings that a table needs and nobody gave.

    Args:
        settings: By name.
        notes: What a person should know about them.
        units: The units of columns, by name.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: Any, note: str) -> None:
        """Propose a value; None says only what is in the note."""
        if value is not None:
            self.settings[name] = value
        if note:
            self.notes.append(note)


def settings_of_text(file: LocalFile, given: FileSource) -> TableSettings:
    """What a text file of rows, in UTF-8, needs to be read."""
    found = TableSettings()
    whole = file.path.stat().st_size <= _LARGEST_SURVEY
    text = (
        file.path.read_bytes().decode("utf-8-sig", errors="replace")
        if whole
        else beginning_of(file)
    )
    for name, value, note in propose_dialect(text, file.format, given):
        found.add(name, value, f"{file.shown}: {note}" if note else "")
    now = given.model_copy(update=found.settings)
    layout, rows = layout_of(file, text, now)
    if now.skip_lines is None and layout.skipped:
        above = " ".join("".join(lines_of(text)[: layout.skipped]).split())
        # Comments are left out wherever they stand.
        if above and not _only_comments(text, layout.skipped, now.comment):
            found.add("skip_lines", layout.skipped, "")
    _head(file, rows, given, found)
    now = given.model_copy(update=found.settings)
    if whole:
        layout, rows = layout_of(file, text, now)
        start = layout.header_rows + layout.below
        records = layout.dialect.records(lines_of(text)[layout.skipped :], strict=False)
        below = ((number + layout.skipped, row) for number, row in islice(records, start, None))
        try:
            seen = survey(_one(file, below, layout.names, given), layout.names)
        except csv.Error:
            return found
        _around(file, seen, given, found)
        if seen.short_rows == 1 and len(seen.last[-1][0]) < seen.width and _is_cut(text, found):
            raise SourceDataError(
                f"{file.shown} seems to be cut off: its last line has fewer values than the others "
                "and no end.",
                "Fetch it again, or say -d source_settings='{short_rows: fill}' if it is whole.",
            )
        _uneven(file, seen, given, found, rows[0] if rows else [])
    return found


def settings_of_sheet(file: LocalFile, given: FileSource) -> TableSettings:
    """What a sheet needs to be read."""
    from dataflow.sources.file.header import preamble_of
    from dataflow.sources.file.spreadsheet import sheet_of

    found = TableSettings()
    sheet = sheet_of(file, given.sheet)
    texts = sheet.texts(given.skip_lines or 0)
    numbers = [number for number, _ in sheet.rows if number >= (given.skip_lines or 0)]
    if given.skip_lines is None and (before := preamble_of(texts[:_FIRST])):
        above = " ".join(filter(None, (cell for row in texts[:before] for cell in row)))
        found.add("skip_lines", numbers[before], f"Skipped above the header: {above[:60]!r}.")
        texts, numbers = texts[before:], numbers[before:]
    _head(file, texts[:_FIRST], given, found)
    now = given.model_copy(update=found.settings)
    heads = 0 if now.header is False else now.header_rows or 1
    start = heads + records_below(now)
    header = texts[heads - 1] if heads else [""] * len(texts[0])
    below = list(zip(numbers, texts, strict=True))[start:]
    seen = survey(_one(file, below, header, given), header)
    _around(file, seen, given, found)
    return found


def _one(
    file: LocalFile, records: Iterable[Record], header: Sequence[str], given: FileSource
) -> Iterable[Record]:
    """The records, which are those of one table unless a person has said where it begins."""
    return records if given.skip_lines is not None else one_table(file, records, header)


def _is_cut(text: str, found: TableSettings) -> bool:
    return not text.endswith(("\n", "\r")) and "footer_lines" not in found.settings


def _only_comments(text: str, skipped: int, comment: str | None) -> bool:
    return comment is not None and all(
        not line.strip() or line.lstrip().startswith(comment) for line in lines_of(text)[:skipped]
    )


def _head(
    file: LocalFile, rows: Sequence[Sequence[str]], given: FileSource, found: TableSettings
) -> None:
    """Names in several lines, units below them, or no names at all."""
    if rows and (told := beside_one_another(rows[0], rows[1:])):
        found.notes.append(f"{file.shown}: {told}")
    if not rows or given.header is not None or given.header_rows is not None:
        return
    kinds = given.kinds_row is None and len(rows) > _KINDS_AT and has_kinds(rows[_KINDS_AT])
    if kinds:
        rows = [*rows[:_KINDS_AT], *rows[_KINDS_AT + 1 :]]
    head = head_of(rows) if given.units_row is None else None
    if head is None or head.before:
        return
    if head.rows == 0:
        found.add("header", False, "")
        first = shortened(", ".join(rows[0]))
        found.notes.append(
            f"{file.shown}: the first line is a row ({first!r}), so there are no names; the "
            "columns are column_1 and so on (`header: false`). Give them `names`."
        )
        return
    if head.rows > 1:
        joined = ", ".join(map(repr, joined_names(rows[: head.rows])[:4]))
        note = f"{file.shown}: the names stand in {head.rows} lines (`header_rows`): {joined}."
        found.add("header_rows", head.rows, note)
    if head.units:
        names, _ = distinct_names(rows[0])
        found.units = {
            name: cell.strip() for name, cell in zip(names, rows[1], strict=False) if cell.strip()
        }
        listed = ", ".join(f"{name}: {unit}" for name, unit in found.units.items())
        told = f"{file.shown}: the line below the header holds units (`units_row`): {listed}."
        found.add("units_row", True, told)
        if kinds:
            found.add("kinds_row", True, f"{file.shown}: the line below the units is no row.")
    elif head.rows == 1 and len(rows) > 1 and not contrast(rows[0], rows[1:]):
        first = shortened(", ".join(rows[0]))
        found.notes.append(
            f"{file.shown}: nothing tells the first line ({first!r}) from the others; it is taken "
            "for the columns' names. If it is a row, set `header: false`."
        )


def _around(file: LocalFile, seen: Survey, given: FileSource, found: TableSettings) -> None:
    """A footer, and headers that come again."""
    if given.footer_lines is None:
        if footer := seen.footer:
            shown = "; ".join(repr(shortened(_line(row))) for row in footer[:3])
            note = f"{file.shown}: left out at the end (`footer_lines: {len(footer)}`): {shown}."
            found.add("footer_lines", len(footer), note)
        elif total := seen.doubtful_total:
            found.notes.append(
                f"{file.shown}: the last line looks like a total, but is not the sum of the "
                f"others, and is read as a row: {shortened(_line(total))!r}. If it is none, set "
                "`footer_lines: 1`."
            )
        left = seen.totals - sum(map(total_in, seen.footer)) - bool(seen.doubtful_total)
        if left > 0 and seen.total is not None:
            number, row = seen.total
            found.notes.append(
                f"{file.shown}: lines called totals are read as rows, so that sums count twice: "
                f"{left:,}, the first is line {number + 1:,} "
                f"({shortened(_line(row))!r}). Leave them out in the models, or in the file."
            )
    if given.repeated_headers is None and seen.repeated:
        note = f"{file.shown}: {seen.repeated:,} lines repeat the header: left out."
        found.add("repeated_headers", "skip", note)
    if seen.empty:
        found.notes.append(f"{file.shown}: {seen.empty:,} rows have no value at all.")


def _uneven(
    file: LocalFile, seen: Survey, given: FileSource, found: TableSettings, header: list[str]
) -> None:
    """Rows with fewer values than names, or all of them with one more."""
    if seen.long is not None:
        if seen.short_rows == 0 and given.header is None and _names_rows(seen, header):
            raise SourceDataError(
                f"{file.shown}: every line has one value more than the header has names: as R "
                "writes the names of rows, or with decimal commas that are not in quotes.",
                "Put decimal commas into quotes where the file comes from. For the names of rows, "
                "say all names: -d source_settings='{skip_lines: 1, header: false, names: [row, "
                f"{', '.join(header)[:120]}]}}'.",
            )
        return
    footer = found.settings.get("footer_lines", given.footer_lines) or 0
    short = seen.short_rows - sum(len(row) < seen.width for row in seen.footer[-footer:] if footer)
    if given.short_rows is None and short > 0 and seen.short is not None:
        number, row = seen.short
        note = (
            f"{file.shown}: lines with fewer values than there are names: {short:,}, the first is "
            f"line {number + 1:,} ({shortened(_line(row))!r}); what lacks is read as null "
            "(`short_rows: fill`)."
        )
        found.add("short_rows", "fill", note)


def _names_rows(seen: Survey, header: list[str]) -> bool:
    return bool(header) and all(len(row) == seen.width + 1 for row, _ in seen.last)


def _line(row: Sequence[str]) -> str:
    return ", ".join(row)


def common(parts: Iterable[TableSettings]) -> TableSettings:
    """The settings that all of several files need; what only some do is told, not set."""
    every = list(parts)
    first = every[0]
    result = TableSettings(units=first.units, notes=list(_notes(every)))
    for name in dict.fromkeys(name for each in every for name in each.settings):
        values = [each.settings.get(name) for each in every]
        if all(value == values[0] for value in values):
            result.settings[name] = values[0]
        else:
            result.notes.append(
                f"The files do not agree about `{name}`, so it is not set: each is read as it "
                "looks, or refused."
            )
    return result


def _notes(parts: Sequence[TableSettings]) -> Iterator[str]:
    yield from dict.fromkeys(note for part in parts[:3] for note in part.notes)
