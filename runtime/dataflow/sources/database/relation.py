"""A table of any database: what it is called, and which of its rows are new."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted, shortened
from dataflow.sources.errors import SourceNotFoundError, SourceSettingError

if TYPE_CHECKING:
    import pyarrow as pa

    from dataflow.sources.incremental import Progress


def column_named(names: list[str], wanted: str) -> str:
    """The column that an incremental source is read by, whatever its case."""
    found = next((name for name in names if name.lower() == wanted.lower()), None)
    if found is None:
        raise SourceSettingError(
            f"There is no column {quoted(wanted)} to read incrementally by; there are: "
            f"{', '.join(names)}.",
            "Correct `ingestion.source.incremental.column`.",
        )
    return found


def new_rows(table: pa.Table, progress: Progress | None, notes: list[str]) -> pa.Table:
    """The rows of a table that were not read before; notes on what will be left out later."""
    if progress is None:
        return table
    nulls = table[column_named(table.column_names, progress.field)].null_count
    if nulls:
        notes.append(
            f"{nulls:,} rows have no {progress.field!r}; such rows are read only the first time."
        )
    return progress.admit_table(table)


def missing_table(schema: str | None, table: str, known: list[str]) -> SourceNotFoundError:
    """The error for a table that is not there, with those that are called nearly so."""
    wanted = f"{schema}.{table}" if schema else table
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    there = ", ".join(known[:10]) + (" and more" if len(known) > 10 else "")
    advice = f"Did you mean {' or '.join(near)}?" if near else f"There are: {there or 'none'}."
    return SourceNotFoundError(f"There is no table {shortened(wanted)}.", advice)
