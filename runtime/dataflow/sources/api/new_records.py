"""What is new of the records that an API gave, which may be more than it was asked for.

An API that takes no notice of the parameter, or rounds it down to a day, gives records again that
came before. Those before the value that was asked from were read; those at it are known by what
they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from dataflow.sources.incremental import Progress


def new_records(records: Iterable[dict[str, Any]], progress: Progress) -> Iterator[dict[str, Any]]:
    """The records that are new; ``progress`` takes note of all."""
    for record in records:
        value = value_at(record, progress.field)
        value = None if value is MISSING else value
        if not progress.is_passed(value) and progress.admit(value, record):
            yield record


def new_rows(table: pa.Table, progress: Progress, column: str) -> pa.Table:
    """The same for the rows of a table, whose values have their types.

    ``column`` is what the table calls the field of ``progress``.
    """
    import pyarrow as pa

    name = column if column in table.column_names else progress.column_in(table.column_names)
    keep = [
        not progress.is_passed(row[name]) and progress.admit(row[name], row)
        for row in table.to_pylist()
    ]
    return table.filter(pa.array(keep, pa.bool_()))
