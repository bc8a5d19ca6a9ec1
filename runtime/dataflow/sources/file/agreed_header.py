"""Where the names that a contract agreed on stand today, if a title or a delimiter has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.sources.column_names import compared_name, distinct_names
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.layout import USUAL, first_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dataflow.shared.contract import Contract
    from dataflow.sources.file.layout import Layout
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile


def agreed_names(contract: Contract) -> frozenset[str]:
    """The names at the source that must come, as they are compared."""
    return frozenset(
        compared_name(column.source or name)
        for name, column in contract.columns.items()
        if not column.optional
    )


def agreed_units(contract: Contract | None) -> dict[str, str]:
    """The units of the columns that have one, by their names as they are compared."""
    columns = contract.columns.items() if contract else ()
    return {
        compared_name(column.source or name): column.unit.strip()
        for name, column in columns
        if column.unit
    }


def has_names(header: Sequence[str], names: frozenset[str]) -> bool:
    """Whether a record has all of some names."""
    return bool(names) and names <= set(map(compared_name, distinct_names(header)[0]))


def repeated_header(file: LocalFile) -> SourceDataError:
    """The refusal of rows among which the header stands again, where nobody has spoken of it."""
    return SourceDataError(
        f"{file.shown}: the header comes again among the rows, and would be read as one. Nothing "
        "was loaded.",
        "Set `ingestion.source.repeated_headers` to skip, which leaves such lines out, or to keep.",
    )


def place_of(rows: Iterable[Sequence[str]], names: frozenset[str]) -> int | None:
    """Which of the first rows has all names; None if none does."""
    return next((place for place, row in enumerate(rows) if has_names(row, names)), None)


def settings_of_today(
    text: str, layout: Layout, settings: FileSource, names: frozenset[str]
) -> tuple[FileSource, str] | None:
    """The settings with which the agreed names are the header, and what to say of them.

    None where they are the header already, or stand nowhere.

    Args:
        text: The beginning of the file.
        layout: How it is written by the settings as they are.
    """
    if layout.header_rows != 1 or layout.dialect.by_position or has_names(layout.names, names):
        return None
    for sign in dict.fromkeys((layout.dialect.delimiter, *USUAL)):
        dialect = replace(layout.dialect, delimiter=sign)
        records = first_records(text, dialect)
        place = place_of((row for _, row in records), names)
        if place is not None:
            line = records[place][0]
            changed = settings.model_copy(update={"delimiter": sign, "skip_lines": line})
            told = f"the names of the contract stand in line {line + 1} now, and {sign!r} parts"
            return changed, f"{told} them: it is read so, whatever `ingestion.source` says."
    return None
