"""Excel and OpenDocument spreadsheets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.shown import quoted, shortened
from dataflow.shared.step_progress import step_progress
from dataflow.sources.column_names import compared_name, distinct_names
from dataflow.sources.contract_match import agreed_texts, names_at_source
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.durations import durations_as_text
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.file.agreed_header import (
    agreed_names,
    agreed_units,
    has_names,
    place_of,
    repeated_header,
)
from dataflow.sources.file.content import text_instead
from dataflow.sources.file.footer import Sums
from dataflow.sources.file.header import joined_names, preamble_of, values_in
from dataflow.sources.file.layout import records_below
from dataflow.sources.file.plain_copy import check_agreed_units, check_footer, check_units
from dataflow.sources.file.shapes import check_shapes, spelled_alike
from dataflow.sources.file.sheet_columns import column_of, text_of
from dataflow.sources.file.sheet_errors import cell_name, error_cells
from dataflow.sources.file.totals_within import note_on_totals
from dataflow.sources.file.unsaid_footer import last_rows, refuse_footer
from dataflow.sources.inference import TypedTable, read_typed
from dataflow.sources.type_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from dataflow.shared.contract import Contract
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile
    from dataflow.sources.text_format import TextFormat

_FIRST_ROWS = 100
_MOST_CELLS = 8
# Totals among the rows are looked for in so many.
_FIRST_LOOK = 5_000


def read_spreadsheets(
    files: Sequence[LocalFile], settings: FileSource, contract: Contract | None = None
) -> TypedTable:
    """Read one sheet of each file; its first row with several values has the columns' names.

    Args:
        contract: What is agreed, where there is a contract: it is held to later. Its names are
            looked for where the header was not found, and a total that it does not know is refused.

    Numbers are whole where all of a column are. A column with values of several kinds is text, and
    cells that hold an error are the text that they show.

    Raises:
        SourceDataError: A file is no spreadsheet, its sheet is empty, or a row would be left out.
        SourceSettingError: There is no such sheet, or the files are several tables.
    """
    import pyarrow as pa

    tables, notes = [], []
    texts = agreed_texts(contract)
    progress = step_progress()
    for file in files:
        # The library opens it in one call.
        progress.begin(f"opening {file.shown}")
        chosen = settings.sheet or sheet_of_today(file, settings, contract)
        sheet = sheet_of(file, chosen)
        if chosen != settings.sheet:
            notes.append(
                f"{file.shown}: the columns of the contract are in the sheet {chosen!r} now, which "
                "is read. Name it in `ingestion.source.sheet`."
            )
        names, rows, told = _rows(file, sheet, settings, contract)
        notes += [*sheet.notes, *told]
        columns = {}
        progress.begin(total_parts=len(names), of="columns")
        progress.count(rows=len(rows))
        for index, name in enumerate(names):
            progress.count(parts=index, at=name)
            nulls = _nulls(settings.text_format, name)
            values = [None if text_of(row[index]).strip() in nulls else row[index] for row in rows]
            columns[name], note = column_of(name, values, is_text=compared_name(name) in texts)
            notes += note
        tables.append(pa.table(columns))
    names_of = {f.shown: table.column_names for f, table in zip(files, tables, strict=True)}
    lacking = check_shapes(names_of, settings.union_by_name, contract)
    try:
        table = pa.concat_tables(spelled_alike(tables), promote_options="permissive")
    except pa.ArrowException as error:
        raise SourceDataError(
            f"The files {', '.join(file.shown for file in files)} do not go together: {error}.",
            "Read them one by one, or make their columns the same.",
        ) from error
    typed = type_texts(table, settings.text_format)
    notes += [*settings.text_format.notes(table.column_names), *typed.notes]
    told = list(dict.fromkeys(notes))
    return durations_as_text(replace(typed, notes=told, lacking=lacking))


def sheet_of_today(file: LocalFile, settings: FileSource, contract: Contract | None) -> str | None:
    """The sheet that has the columns of the contract, if it is not the first one.

    Raises:
        SourceSettingError: Several have them, and which is meant nobody has said.
    """
    agreed = agreed_names(contract) if contract else frozenset[str]()
    if not agreed or settings.header is False or settings.header_rows is not None:
        return None
    names = visible_sheets(file)
    if len(names) <= 1:
        return None
    fitting = [name for name in names if _has_agreed(file, name, agreed)]
    if len(fitting) > 1:
        raise SourceSettingError(
            f"{file.shown} has several sheets with the columns of the contract: "
            f"{', '.join(map(quoted, fitting[:_MOST_CELLS]))}.",
            "Set `ingestion.source.sheet` to the one that is meant.",
        )
    return fitting[0] if fitting and fitting[0] != names[0] else None


def _has_agreed(file: LocalFile, name: str, agreed: frozenset[str]) -> bool:
    try:
        texts = sheet_of(file, name).texts()
    except SourceDataError:
        return False
    return place_of(texts[:_FIRST_ROWS], agreed) is not None


def type_texts(table: pa.Table, text_format: TextFormat) -> TypedTable:
    """Give the text columns of a table types, if anything is said of how their texts are written.

    Whoever writes a number as text in a sheet may mean it as text.
    """
    if text_format.rules is RULES:
        return TypedTable(table, [])
    texts = [field.name for field in table.schema if str(field.type) == "string"]
    if not texts:
        return TypedTable(table, [])
    with open_engine() as connection:
        keys = [f"c{index}" for index in range(len(texts))]
        connection.register("dataflow_texts", table.select(texts).rename_columns(keys))
        typed = read_typed(connection, "dataflow_texts", texts, text_format.rules)
    for name in texts:
        table = table.set_column(table.column_names.index(name), name, typed.table[name])
    return replace(typed, table=table)


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet that are not empty, each with its number, from 0, and its cells."""

    name: str
    rows: list[tuple[int, list[Any]]]
    notes: list[str]

    def texts(self, skipped: int = 0) -> list[list[str]]:
        """The rows below the skipped ones, as texts."""
        return [[text_of(cell) for cell in row] for number, row in self.rows if number >= skipped]


def _rows(
    file: LocalFile, sheet: Sheet, settings: FileSource, contract: Contract | None
) -> tuple[list[str], list[list[Any]], list[str]]:
    """The names of the columns, the rows below them, and what was left out."""
    rows = [row for number, row in sheet.rows if number >= (settings.skip_lines or 0)]
    texts = [[text_of(cell) for cell in row] for row in rows]
    before = 0 if settings.skip_lines is not None else preamble_of(texts[:_FIRST_ROWS])
    notes = []
    agreed = agreed_names(contract) if contract and settings.header_rows is None else frozenset()
    if agreed and not (rows and has_names(texts[before], agreed)):
        every = sheet.texts()
        place = place_of(every[:_FIRST_ROWS], agreed)
        if place is not None:
            rows, texts, before = [row for _, row in sheet.rows], every, place
            notes.append(
                f"{file.shown}: the names of the contract stand in row {sheet.rows[place][0] + 1} "
                "now: it is read from there, whatever `skip_lines` says."
            )
    if above := texts[:before]:
        shown = "; ".join(" ".join(filter(None, row)) for row in above)
        notes.append(f"{file.shown}: left out above the header: {shortened(shown)!r}.")
    rows, texts = rows[before:], texts[before:]
    if not rows:
        raise SourceDataError(
            f"The sheet {sheet.name!r} of {file.shown} has no rows.",
            "Correct `ingestion.source.skip_lines`.",
        )
    heads = 0 if settings.header is False else settings.header_rows or 1
    width = len(rows[0])
    if heads:
        header = joined_names(texts[:heads]) if heads > 1 else texts[0]
    else:
        header = list(settings.names or [f"column_{number + 1}" for number in range(width)])
        if len(header) != width:
            raise SourceSettingError(
                f"{file.shown} has {width} columns, and `names` has {len(header)}.",
                "Correct `ingestion.source.names`.",
            )
    if heads == 1 and (values := values_in(header)):
        notes.append(
            f"{file.shown}: the first row is taken for the columns' names, though "
            f"{quoted(values[0])} in it looks like a value. If it is one, set `header: false`."
        )
    names, renamed = distinct_names(header, names_at_source(contract))
    start = heads + records_below(settings)
    for row in texts[heads:start]:
        check_units(file, row)
    if settings.units_row and start > heads:
        units = texts[heads] if len(texts) > heads else []
        check_agreed_units(file, names, units, agreed_units(contract))
    end = max(len(rows) - (settings.footer_lines or 0), start)
    notes += check_footer(file, texts[start:end], texts[end:])
    if contract is not None and settings.footer_lines != 0:
        sums = Sums(width)
        for row in texts[start:end]:
            sums.add(row)
        refuse_footer(file, last_rows(texts[start:end], sums), settings.footer_lines or 0)
    kept = rows[start:end]
    if contract is not None:
        notes += filter(None, [note_on_totals(file.shown, texts[start:end][:_FIRST_LOOK], width)])
    unsaid = contract is not None and settings.repeated_headers is None
    if unsaid and heads == 1 < width and texts[0] in texts[start:end]:
        raise repeated_header(file)
    if heads and settings.repeated_headers == "skip":
        kept = [
            row
            for row, shown in zip(kept, texts[start:end], strict=True)
            if shown != texts[heads - 1]
        ]
        if repeated := end - start - len(kept):
            notes.append(f"{file.shown}: rows that repeat the header, left out: {repeated:,}.")
    return names, kept, notes + renamed


def _nulls(text_format: TextFormat, name: str) -> set[str]:
    own = text_format.nulls_of(name)
    return {"", *(text.strip() for text in (text_format.null_values if own is None else own))}


def sheet_names(file: LocalFile) -> list[str]:
    """The names of a workbook's sheets, in their order."""
    return [str(name) for name in _workbook(file).sheet_names]


def _workbook(file: LocalFile) -> Any:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise MissingDependencyError(
            "Reading spreadsheets needs python-calamine, which is not installed.",
            "Install it with `pip install 'dataflow-runtime[excel]'`.",
        ) from error
    try:
        return CalamineWorkbook.from_path(str(file.path))
    except (CalamineError, OSError, ValueError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: LocalFile, error: Exception) -> SourceDataError:
    reason, instruction = text_instead(file.path) or (
        str(error),
        "Open it, save it as .xlsx without a password, and try again.",
    )
    return SourceDataError(f"{file.shown} cannot be read as a spreadsheet: {reason}.", instruction)


def visible_sheets(file: LocalFile) -> list[str]:
    """The names of a workbook's sheets that are not hidden, in their order."""
    return _visible(_workbook(file))


def _visible(workbook: Any) -> list[str]:
    return [
        str(sheet.name)
        for sheet in workbook.sheets_metadata
        if str(sheet.visible).endswith(".Visible") and str(sheet.typ).endswith(".WorkSheet")
    ]


def sheet_of(file: LocalFile, name: str | None) -> Sheet:
    """A sheet of a file, the first that is not hidden if it is not named.

    Raises:
        SourceDataError: The file is no spreadsheet, or the sheet is empty.
        SourceSettingError: There is no such sheet.
    """
    workbook = _workbook(file)
    names = workbook.sheet_names
    if name is not None and name not in names:
        raise SourceSettingError(
            f"{file.shown} has no sheet {quoted(name)}.",
            f"Set `ingestion.source.sheet` to one of: {', '.join(names)}.",
        )
    from python_calamine import CalamineError

    # What is hidden is not what a person sends, unless nothing else is there.
    name = name or next(iter(_visible(workbook)), names[0])
    try:
        found = workbook.get_sheet_by_name(name)
        cells: list[list[Any]] = found.to_python(skip_empty_area=False)
        merged = found.merged_cell_ranges or []
    except (CalamineError, OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    notes = _with_errors(file, name, cells)
    used = [i for i in range(max(map(len, cells), default=0)) if any(row[i] != "" for row in cells)]
    if not used:
        raise SourceDataError(
            f"The sheet {name!r} of {file.shown} is empty.",
            f"Set `ingestion.source.sheet` to one of: {', '.join(names)}.",
        )
    rows = [
        (number, row[used[0] : used[-1] + 1])
        for number, row in enumerate(cells)
        if any(cell != "" for cell in row)
    ]
    tall = [cell_name(*first) for first, last in merged if last[0] > first[0]]
    if tall:
        notes.append(
            f"{file.shown}: merged cells ({_few(tall)}) have their value in the first row only; it "
            "is null in the others."
        )
    return Sheet(name, rows, notes)


def _with_errors(file: LocalFile, name: str, cells: list[list[Any]]) -> list[str]:
    """Put the errors of a sheet into its cells, and say where they are."""
    errors = error_cells(file.path, name)
    if errors is None:
        # OpenDocument files have what such a cell shows.
        opened = file.path.read_bytes()[:4] == b"\xd0\xcf\x11\xe0"
        told = f"{file.shown}: a cell that holds an error cannot be told from an empty one."
        return [f"{told} Save the file as .xlsx to have them named."] if opened else []
    shown: dict[bool, list[str]] = {False: [], True: []}
    for (row, column), error in errors.items():
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = error
            shown[error.startswith("=")].append(f"{cell_name(row, column)} {error}")
    notes = []
    if shown[False]:
        notes.append(f"{file.shown}: cells hold errors, read as text: {_few(shown[False])}.")
    if shown[True]:
        notes.append(
            f"{file.shown}: cells hold formulas that were never computed, read as text: "
            f"{_few(shown[True])}. Open the file in a spreadsheet program, and save it."
        )
    return notes


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_CELLS} more" if len(names) > _MOST_CELLS else ""
    return ", ".join(names[:_MOST_CELLS]) + more
