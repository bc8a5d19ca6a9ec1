"""Excel and OpenDocument spreadsheets."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.shown import quoted
from dataflow.sources.column_names import distinct_names
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.inference import TypedTable, durations_as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from dataflow.sources.local_file import LocalFile


def read_spreadsheets(
    files: Sequence[LocalFile], null_values: Sequence[str] = ("",), sheet: str | None = None
) -> TypedTable:
    """Read one sheet of each file; its first row that is not empty has the columns' names.

    Numbers are whole where all of a column are. A column with values of several kinds is text.
    """
    import pyarrow as pa

    tables, notes = [], []
    for file in files:
        cells = _cells(file, sheet)
        header, *rows = cells
        names, renamed = distinct_names(["" if cell == "" else str(cell) for cell in header])
        notes += renamed
        nulls = {*null_values, ""}
        columns = {}
        for index, name in enumerate(names):
            values = [None if row[index] in nulls else row[index] for row in rows]
            columns[name], note = _column(name, values)
            notes += note
        tables.append(pa.table(columns))
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise SourceDataError(
            f"The files {', '.join(file.shown for file in files)} do not go together: {error}.",
            "Read them one by one, or make their columns the same.",
        ) from error
    return durations_as_text(TypedTable(table, list(dict.fromkeys(notes))))


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
    return SourceDataError(
        f"{file.shown} cannot be read as a spreadsheet: {error}.",
        "Open it, save it as .xlsx without a password, and try again.",
    )


def _cells(file: LocalFile, sheet: str | None) -> list[list[Any]]:
    workbook = _workbook(file)
    names = workbook.sheet_names
    if sheet is not None and sheet not in names:
        raise SourceSettingError(
            f"{file.shown} has no sheet {quoted(sheet)}.",
            f"Set `ingestion.source.sheet` to one of: {', '.join(names)}.",
        )
    from python_calamine import CalamineError

    try:
        cells: list[list[Any]] = workbook.get_sheet_by_name(sheet or names[0]).to_python()
    except (CalamineError, OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    filled = [row for row in cells if any(cell != "" for cell in row)]
    if not filled:
        raise SourceDataError(
            f"The sheet {sheet or names[0]!r} of {file.shown} is empty.",
            f"Set `ingestion.source.sheet` to one of: {', '.join(names)}.",
        )
    return filled


def _column(name: str, values: list[Any]) -> tuple[pa.Array, list[str]]:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds == {date, datetime}:
        values = [_at_midnight(value) for value in values]
        kinds = {datetime}
    if kinds <= {int, float}:
        # Spreadsheets have no whole numbers of their own.
        if kinds and all(value is None or float(value).is_integer() for value in values):
            values = [None if value is None else int(value) for value in values]
        return pa.array(values, type=None if kinds else pa.string()), []
    if len(kinds) == 1:
        return pa.array(values), []
    listed = ", ".join(sorted(kind.__name__ for kind in kinds))
    texts = [None if value is None else _text(value) for value in values]
    return pa.array(texts), [f"Column {name!r} has values of several kinds ({listed}); it is text."]


def _at_midnight(value: date | datetime | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time())


def _text(value: str | float | bool | date | time | timedelta) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)
