"""How far an incremental source has been read.

The rows at the last value are read again next time, since more with the same value may have
come; those that were read before are known by a digest and left out. So no row is lost, and none
comes twice.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

# Digests beyond this would make the watermark heavy; a column with so many equal values at its
# end is no good measure of progress.
_MOST_SEEN = 10_000


_BY_HAND = "set_by_hand"


def set_by_hand(value: Any) -> dict[str, Any]:
    """What to save so that the next run reads from a value on, whatever was read before.

    None is the source's start.
    """
    return {"value": value, "seen": [], _BY_HAND: True}


class Progress:
    """The largest value of a column or field met so far, and the rows that have it.

    Args:
        field: The name of the column or field, for errors.
        last_value: What ``saved`` returned after the run before, or a plain value, or None.
        initial_value: Where to start if nothing was read before.
        window: The part to read, where it is not what is new.
    """

    def __init__(
        self,
        field: str,
        last_value: Any = None,
        initial_value: Any = None,
        window: Window | None = None,
    ) -> None:
        self.field = field
        saved = last_value if isinstance(last_value, dict) else {"value": last_value}
        self.start = reached = saved.get("value")
        self._before = frozenset(saved.get("seen", ()))
        if self.start is None:
            self.start = initial_value
        self.value = self.start
        self._seen: set[str] = set(self._before)
        self._window = window or Window()
        # What was reached before, where rows that were read before are read again.
        self._again: tuple[Any, frozenset[str]] | None = None
        again = self._window.start(reached)
        if saved.get(_BY_HAND):
            # Which rows from there on were read before is not known: all come again.
            self._begin_at(self.start if again is None else again, None)
        elif again is not None:
            self._begin_at(again, reached)
        if self.until is not None and self.start is not None:
            self._refuse_nothing_between(self.start, self.until)

    @property
    def until(self) -> Any:
        """The value up to which rows are read, this one excluded; None for all."""
        return self._window.until

    @property
    def span(self) -> dict[str, Any] | None:
        """Which rows come again, for whoever has loaded them before; None if none does."""
        if self._again is None:
            return None
        until = None if self.until is None else _plain(self.until)
        since = None if self.start is None else _plain(self.start)
        return {"column": self.field, "since": since, "until": until}

    def condition(
        self, column: str, literal: Callable[[str, Any], str]
    ) -> tuple[str, dict[str, Any]]:
        """What asks a database for the rows to read, if not for all: a clause and its values.

        Args:
            column: The column, as SQL.
            literal: Makes SQL of a value and its name.
        """
        bounds = [("dataflow_start", ">=", self.start), ("dataflow_until", "<", self.until)]
        given = [(name, sign, value) for name, sign, value in bounds if value is not None]
        terms = [f"{column} {sign} {literal(name, value)}" for name, sign, value in given]
        clause = f" WHERE {' AND '.join(terms)}" if terms else ""
        return clause, {name: value for name, _, value in given}

    def _begin_at(self, start: Any, reached: Any) -> None:
        if reached is not None and self._compare(start, reached) > 0:
            raise SourceSettingError(
                f"Reading from {quoted(start)} on would leave out what comes after "
                f"{quoted(reached)}, up to which {quoted(self.field)} was read.",
                "Take an earlier value for `--since`; or, to leave those rows out for good, set it "
                "first: dataflow workflow watermark NAME --set VALUE.",
            )
        self._again = reached, self._before
        self.start, self.value, self._before, self._seen = start, None, frozenset(), set()

    def _refuse_nothing_between(self, start: Any, until: Any) -> None:
        if self._compare(until, start) <= 0:
            raise SourceSettingError(
                f"Nothing lies between {quoted(start)}, where reading begins, and {quoted(until)}.",
                "Give `--until` a later value, or `--since` an earlier one.",
            )

    def admit(self, value: Any, row: Mapping[str, Any]) -> bool:
        """Take note of a row; say whether it is new.

        A row without a value is always new.
        """
        if value is None:
            return True
        if self.until is not None and self._compare(value, self.until) >= 0:
            return False
        # Of rows before the span only those of earlier runs are there, and they stay.
        is_part = self._again is not None and self.start is not None
        if is_part and self._compare(value, self.start) < 0:
            return False
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
        self._take_types_of(column.type)
        if self._before:
            special = pc.or_(special, pc.equal(column, _scalar(self.start, column.type)))
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
        if self._again is not None and self._again[0] is not None:
            reached, seen = self._again
            if self.value is None or self._compare(self.value, reached) < 0:
                return {"value": _plain(reached), "seen": sorted(seen)}
        if self.value is None:
            return None
        if len(self._seen) > _MOST_SEEN:
            raise SourceDataError(
                f"More than {_MOST_SEEN:,} rows have the same last {self.field!r}.",
                "Choose a column for `ingestion.source.incremental` that tells rows apart.",
            )
        return {"value": _plain(self.value), "seen": sorted(self._seen)}

    def _take_types_of(self, kind: pa.DataType) -> None:
        """Numbers that were saved as texts, to keep every digit, become numbers again."""
        import pyarrow as pa

        if pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            self.start, self.value = _number(self.start), _number(self.value)
            self._window = replace(self._window, until=_number(self.until))

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


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    import pyarrow as pa

    return pa.scalar(value).cast(kind)


def _number(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _digest(row: Mapping[str, Any]) -> str:
    # Without nulls: a column that appears later must not make old rows new.
    filled = {key: value for key, value in row.items() if value is not None}
    text = json.dumps(filled, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
