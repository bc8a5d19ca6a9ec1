"""How far an incremental source has been read.

The rows at the last value are read again next time, since more with the same value may have
come; those that were read before are known by a digest and left out. So no row is lost, and none
comes twice.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError, SourceSettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

# Digests beyond this would make the watermark heavy; a column with so many equal values at its
# end is no good measure of progress.
_MOST_SEEN = 10_000


class Progress:
    """The largest value of a column or field met so far, and the rows that have it.

    Args:
        field: The name of the column or field, for errors.
        last_value: What ``saved`` returned after the run before, or a plain value, or None.
        initial_value: Where to start if nothing was read before.
    """

    def __init__(self, field: str, last_value: Any = None, initial_value: Any = None) -> None:
        self.field = field
        saved = last_value if isinstance(last_value, dict) else {"value": last_value}
        self.start = saved.get("value")
        self._before = frozenset(saved.get("seen", ()))
        if self.start is None:
            self.start = initial_value
        self.value = self.start
        self._seen: set[str] = set(self._before)

    def admit(self, value: Any, row: Mapping[str, Any]) -> bool:
        """Take note of a row; say whether it is new.

        A row without a value is always new.
        """
        if value is None:
            return True
        order = self._compare(value, self.value)
        if order < 0:
            return True
        digest = _digest(row)
        if order > 0:
            self.value, self._seen = value, {digest}
            return True
        known = digest in self._before and self._compare(value, self.start) == 0
        self._seen.add(digest)
        return not known

    def column_in(self, names: list[str]) -> str:
        """The one of these columns that is the field, whatever its case."""
        found = next((name for name in names if name.lower() == self.field.lower()), None)
        if found is None:
            raise SourceSettingError(
                f"There is no column {quoted(self.field)} to read incrementally by; there are: "
                f"{', '.join(names)}.",
                "Correct `ingestion.source.incremental.column`.",
            )
        return found

    def admit_table(self, table: pa.Table, notes: list[str]) -> pa.Table:
        """Take note of a table's rows; give back those that are new.

        Only rows at the start and at the table's largest value are looked at one by one. ``notes``
        is told how many rows will be left out from the next run on.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        name = self.column_in(table.column_names)
        column = table[name]
        if column.null_count:
            notes.append(
                f"{column.null_count:,} rows have no {self.field!r}; such rows are read only the "
                "first time."
            )
        largest = pc.max(column)
        if not largest.is_valid:
            return table
        special = pc.equal(column, largest)
        if self._before:
            special = pc.or_(special, pc.equal(column, pa.scalar(self.start).cast(column.type)))
        numbers = np.flatnonzero(pc.fill_null(special, False).to_numpy())
        rows = table.take(pa.array(numbers)).to_pylist()
        known = [
            number
            for number, row in zip(numbers, rows, strict=True)
            if not self.admit(row[name], row)
        ]
        if not known:
            return table
        keep = np.ones(table.num_rows, dtype=bool)
        keep[known] = False
        return table.filter(pa.array(keep))

    def saved(self) -> dict[str, Any] | None:
        """What the next run is to be told, as plain JSON; None if no value was ever met."""
        if self.value is None:
            return None
        if len(self._seen) > _MOST_SEEN:
            raise SourceDataError(
                f"More than {_MOST_SEEN:,} rows have the same last {self.field!r}.",
                "Choose a column for `ingestion.source.incremental` that tells rows apart.",
            )
        return {"value": _plain(self.value), "seen": sorted(self._seen)}

    def _compare(self, value: Any, other: Any) -> int:
        """Negative, zero or positive, as ``value`` comes before, with or after ``other``."""
        if other is None:
            return 1
        first, second = _ordered(value), _ordered(other)
        if type(first) is not type(second):
            first, second = str(value), str(other)
        try:
            return int(first > second) - int(first < second)
        except TypeError:
            raise SourceDataError(
                f"The values of {quoted(self.field)} cannot be put in order: {quoted(value)}, "
                f"{quoted(other)}.",
                "Choose another column for `ingestion.source.incremental`.",
            ) from None


def _ordered(value: Any) -> Any:
    """A value in the form it is compared in: numbers as such, texts that are times as times."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str | date):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _digest(row: Mapping[str, Any]) -> str:
    # Without nulls: a column that appears later must not make old rows new.
    filled = {key: value for key, value in row.items() if value is not None}
    text = json.dumps(filled, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
