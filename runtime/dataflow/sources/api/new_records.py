"""What is new of the records that an API gave, which may be more than it was asked for.

An API that takes no notice of the parameter, or rounds it down to a day, gives records again that
came before. Those before the value that was asked from were read; those at it are known by what
they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import as_sentence, did_you_mean, known_names
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.records import MISSING, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from dataflow.sources.incremental import Progress


def new_records(records: Iterable[dict[str, Any]], progress: Progress) -> Iterator[dict[str, Any]]:
    """The records that are new; ``progress`` takes note of all."""
    for record in records:
        value = value_at(record, progress.field)
        value = None if value is MISSING else value
        if not progress.is_passed(value) and progress.admit(value, record):
            yield record


class FieldSeen:
    """Whether any record had the field by which what is new is told."""

    def __init__(self, field: str) -> None:
        self.field = field
        self._records = 0
        self._is_met = False
        self._names: list[str] = []

    def look_at(self, records: Sequence[dict[str, Any]]) -> None:
        """Take note of a page."""
        if self._is_met or not records:
            return
        self._records += len(records)
        self._names = self._names or [str(name) for name in records[0]]
        self._is_met = any(value_at(record, self.field) is not MISSING for record in records)

    def refuse_unknown(self, last_value: Any) -> str:
        """Refuse a field that no record has; where it was met in an earlier run, only say so.

        Args:
            last_value: What the run before has saved.

        Returns:
            A note; empty if there is nothing to say.

        Raises:
            SourceSettingError: No record had the field, and none ever did.
        """
        if self._is_met or not self._records:
            return ""
        each = "The one record" if self._records == 1 else f"None of the {self._records:,} records"
        verb = "has no" if self._records == 1 else "has the"
        told = f"{each} {verb} field {quoted(self.field)}, by which what is new is told"
        reached = last_value.get("value") if isinstance(last_value, dict) else last_value
        if reached is not None:
            return f"{told}: such records are no progress."
        meant = as_sentence(did_you_mean(self.field, self._names))
        raise SourceSettingError(
            f"{told}. {meant}".strip(),
            "Correct `ingestion.source.incremental.cursor_field`; the records have: "
            f"{known_names(self._names, 10)}.",
        )


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
