"""The stage ``cleaning``: takes out what should not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dataflow.shared.config_types import Boolean, Section
from dataflow.stages.kind import StageKind

if TYPE_CHECKING:
    import pyarrow as pa

    from dataflow.stages.rows_file import RowsFile


class CleaningOptions(Section):
    """Takes out what should not be there."""

    remove_duplicates: Boolean = Field(
        default=False, description="Keep one of rows that are all equal."
    )
    drop_empty_rows: Boolean = Field(default=False, description="Drop rows without a single value.")
    trim_strings: Boolean = Field(default=False, description="Cut blanks off both ends of texts.")


def _apply(table: pa.Table, options: CleaningOptions) -> pa.Table:
    """Trim first: rows may be empty, or equal, only then."""
    if options.trim_strings:
        table = _trim_strings(table)
    if options.drop_empty_rows:
        table = _drop_empty_rows(table)
    return _remove_duplicates(table) if options.remove_duplicates else table


def _apply_to_file(file: RowsFile, options: CleaningOptions) -> None:
    if options.remove_duplicates:
        file.remove_duplicates()


def _takes_file(options: CleaningOptions) -> bool:
    return not (options.trim_strings or options.drop_empty_rows)


def _trim_strings(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        if _is_text(field.type):
            table = table.set_column(index, field, pc.utf8_trim_whitespace(table.column(index)))
    return table


def _drop_empty_rows(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    filled = None
    for column in table.columns:
        has_value = pc.is_valid(column)
        if _is_text(column.type):
            blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(column)), 0)
            has_value = pc.and_not(has_value, pc.fill_null(blank, False))
        filled = has_value if filled is None else pc.or_(filled, has_value)
        if pc.all(filled).as_py():
            return table
    return table if filled is None else table.filter(filled)


def _remove_duplicates(table: pa.Table) -> pa.Table:
    from dataflow.stages.duplicates import first_occurrences

    keep = first_occurrences(table)
    return table if keep is None else table.take(keep)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


KIND = StageKind(CleaningOptions, _apply, _apply_to_file, _takes_file)
