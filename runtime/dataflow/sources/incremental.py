"""How far an incremental source has been read.

The rows at the last value are read again next time, since more with the same value may have
come; those that were read before are known by a digest, and by how often it came, and left out. So
no row is lost, and none comes twice, in whatever order they come.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from dataflow.shared.lazy_rows import LazyRows
from dataflow.shared.shown import quoted
from dataflow.sources import cursor_column
from dataflow.sources.cursor_column import beyond_now, rows_between, scalar_of
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.known_rows import KnownRows
from dataflow.sources.row_identity import is_beyond_now, moment_of, number_of, row_digest
from dataflow.sources.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from dataflow.sources.kept_rows import KeptRows

_PLAIN_NUMBERS = (int, float)
# Dates that begin with the day, the month or the weekday.
_OTHER_DATES = re.compile(
    r"\d{1,2}[/.-]\w{1,9}[/.-]\d{2}|[A-Za-z]{3,9},? \d|\d{1,2} [A-Za-z]{3,9} \d"
)
# Digests beyond this would make the watermark heavy; a column with so many equal values at its
# end is no good measure of progress.
_MOST_SEEN = 10_000
_MOST_KEPT = 1_000
# More rows than these are not taken out of a file one after the other.
_MOST_ONE_BY_ONE = 10_000
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

    Attributes:
        types: Declared types of columns, by which rows at the border are compared.
        texts_are_numbers: Whether texts that are whole numbers come in the order of numbers. In a
            database they do not; the ids of an API do.
        read: Makes values of a column of texts, where rows go by these and not by the texts. What
            the source was asked for is then more than the rows between start and until.
    """

    def __init__(
        self,
        field: str,
        last_value: Any = None,
        initial_value: Any = None,
        window: Window | None = None,
        *,
        texts_are_numbers: bool = False,
        read: Callable[[pa.ChunkedArray], pa.ChunkedArray] | None = None,
    ) -> None:
        self.field = field
        self._read = read
        self.types: Mapping[str, str] = {}
        self.texts_are_numbers = texts_are_numbers
        saved = last_value if isinstance(last_value, dict) else {"value": last_value}
        self.start = reached = saved.get("value")
        times = saved.get("times")
        self._known = KnownRows(saved.get("seen", ()), times)
        if self.start is None:
            self.start = initial_value
        self.value = self.start
        # Those at the value: until it grows, the known ones.
        self._seen = self._known
        # Rows at the value, until it is known that they are the last ones.
        self._at_value: list[Mapping[str, Any]] = []
        # Rows without a value, and with one in the future: they tell nothing about progress.
        unplaced = saved.get("unplaced", ())
        self._too_many_unplaced = unplaced is None
        self._unplaced = KnownRows(unplaced or (), times)
        self._window = window or Window()
        # What was reached before, where rows that were read before are read again.
        self._again: tuple[Any, KnownRows] | None = None
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
        self,
        column: str,
        literal: Callable[[str, Any], str],
        besides: Callable[[str], list[str]] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """What asks a database for the rows to read, if not for all: a clause and its values.

        Args:
            column: The column, as SQL.
            literal: Makes SQL of a value and its name.
            besides: Of texts: SQL of rows that the database may put before one, and are after it.
        """
        if self._read is not None:
            return "", {}
        bounds = [("dataflow_start", ">=", self.start), ("dataflow_until", "<", self.until)]
        given = [(name, sign, value) for name, sign, value in bounds if value is not None]
        terms = [f"{column} {sign} {literal(name, value)}" for name, sign, value in given]
        if besides is not None and isinstance(self.start, str):
            terms[0] = f"({' OR '.join([terms[0], *besides(self.start)])})"
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
        self._again = reached, self._known
        self.start, self.value = start, None
        self._known = self._seen = KnownRows()

    def _refuse_nothing_between(self, start: Any, until: Any) -> None:
        if self._compare(until, start) <= 0:
            raise SourceSettingError(
                f"Nothing lies between {quoted(start)}, where reading begins, and {quoted(until)}.",
                "Give `--until` a later value, or `--since` an earlier one.",
            )

    def admit(self, value: Any, row: Mapping[str, Any]) -> bool:
        """Take note of a row; say whether it is new.

        A row without a value, or with one in the future, is no progress: it is new if no row like
        it was met before.
        """
        is_placed = value is not None and not _is_nan(value)
        if is_placed and self._is_outside(value):
            return False
        if not is_placed or is_beyond_now(value):
            is_new = self._admit_unplaced(row)
            # Those of the span are no longer there when the rows are loaded.
            comes_again = self._again is not None and (value is not None or self.start is None)
            return comes_again or is_new
        order = self._compare(value, self.value)
        if order > 0:
            self.value, self._seen, self._at_value = value, KnownRows(), [row]
            return True
        # Also where a greater value came before it: rows come in any order.
        if self._known and self._compare(value, self.start) == 0:
            return self._known.admit(row, row_digest(row, self.types))
        if order == 0:
            self._at_value.append(row)
            if len(self._at_value) > _MOST_KEPT:
                self._digest_kept()
        return True

    def _digest_kept(self) -> None:
        for row in self._at_value:
            self._seen.admit(row, row_digest(row, self.types))
        self._at_value = []

    def _is_outside(self, value: Any) -> bool:
        """Whether a value lies outside of the part that is asked for."""
        if self.until is not None and self._compare(value, self.until) >= 0:
            return True
        # Of rows before the span only those of earlier runs are there, and they stay.
        is_part = self._again is not None and self.start is not None
        return is_part and self._compare(value, self.start) < 0

    def is_passed(self, value: Any) -> bool:
        """Whether a value lies before the one that was asked from, so that it was read before.

        A value of another kind is not: a number and a text have no order.
        """
        if value is None or self.start is None or not self._are_alike(value, self.start):
            return False
        if any(isinstance(side, str) and _OTHER_DATES.match(side) for side in (value, self.start)):
            raise SourceDataError(
                f"The values of {quoted(self.field)} are dates that cannot be put in order as they "
                f"are written: {quoted(value)}.",
                "Choose another field for `ingestion.source.incremental`, in ISO 8601 or a number.",
            )
        return self._compare(value, self.start) < 0

    def _are_alike(self, value: Any, other: Any) -> bool:
        """Whether two values have an order between them that does not come from their writing."""
        if type(value) in _PLAIN_NUMBERS and type(other) in _PLAIN_NUMBERS:
            return True
        if self.texts_are_numbers and None not in _whole(value, other):
            return True
        return type(_ordered(value)) is type(_ordered(other))

    def _admit_unplaced(self, row: Mapping[str, Any]) -> bool:
        if self._too_many_unplaced:
            raise SourceDataError(
                f"Rows without a {quoted(self.field)}, or with one in the future, come again, and "
                f"there were more than {_MOST_SEEN:,} before: which are new cannot be told.",
                "Choose a column for `ingestion.source.incremental` that every row has.",
            )
        return self._unplaced.admit(row, row_digest(row, self.types))

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

    def admit_table(self, table: KeptRows, notes: list[str]) -> KeptRows:
        """Take note of a table's rows; give back those that are new.

        Only rows at the start and at the table's largest value are looked at one by one. ``notes``
        is told how many rows will be left out from the next run on.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        name = self.column_in(table.column_names)
        column = cursor_column.as_plain(table[name])
        if self._read is not None:
            table, column = rows_between(table, name, self._read(column), self.start, self.until)
        unread = pc.and_(pc.is_null(column), pc.is_valid(table[name]))
        if missing := table[name].null_count:
            notes.append(
                f"{missing:,} rows have no {self.field!r}; such rows are read only the first time."
            )
        beyond = beyond_now(column)
        largest = pc.max(column if beyond is None else column.filter(pc.invert(beyond)))
        if not largest.is_valid and beyond is None and not pc.any(unread).as_py():
            return table
        # What cannot be read as a value has no place either.
        special = pc.or_(pc.fill_null(pc.equal(column, largest), False), unread)
        self._take_types_of(column.type)
        if pa.types.is_string(column.type):
            cursor_column.refuse_other_order(self.field, column, self.start)
        if beyond is not None:
            special = pc.or_(special, beyond)
        if self._known:
            at_start = pc.equal(column, scalar_of(self.start, column.type))
            special = pc.or_(special, pc.fill_null(at_start, False))
        numbers = np.flatnonzero(special.to_numpy())
        rows = _rows_at(table, numbers.tolist())
        values = column.take(pa.array(numbers)).to_pylist()
        known = [
            number
            for number, value, row in zip(numbers, values, rows, strict=True)
            if not self.admit(value, row)
        ]
        if not known:
            return table
        keep = np.ones(table.num_rows, dtype=bool)
        keep[known] = False
        return table.filter(pa.array(keep))

    def saved(self) -> dict[str, Any] | None:
        """What the next run is to be told, as plain JSON; None if no value was ever met."""
        self._digest_kept()
        value, seen = self.value, self._seen
        if self._again is not None and self._again[0] is not None:
            reached, before = self._again
            if value is None or self._compare(value, reached) < 0:
                value, seen = reached, before
        if value is None and not len(self._unplaced):
            return None
        if len(seen) > _MOST_SEEN:
            raise SourceDataError(
                f"More than {_MOST_SEEN:,} rows have the same last {self.field!r}.",
                "Choose a column for `ingestion.source.incremental` that tells rows apart.",
            )
        digests, times = seen.saved()
        saved: dict[str, Any] = {"value": _plain(value), "seen": digests}
        if len(self._unplaced) or self._too_many_unplaced:
            many = self._too_many_unplaced or len(self._unplaced) > _MOST_SEEN
            saved["unplaced"], more = (None, {}) if many else self._unplaced.saved()
            times |= more
        return {**saved, "times": times} if len(saved) > 2 or digests else saved

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
        if type(value) in _PLAIN_NUMBERS and type(other) in _PLAIN_NUMBERS:
            return int(value > other) - int(value < other)
        first, second = _ordered(value), _ordered(other)
        if self.texts_are_numbers and None not in (numbers := _whole(value, other)):
            first, second = numbers
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
    if not isinstance(value, str):
        number = number_of(value)
        if number is not None:
            return number
    moment = moment_of(value)
    return str(value) if moment is None else moment


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _whole(*values: Any) -> tuple[Any, ...]:
    """Numbers, and texts of digits only; None for what is neither."""
    return tuple(
        number_of(value) if not isinstance(value, str) or value.isdecimal() else None
        for value in values
    )


def _number(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _rows_at(table: KeptRows, numbers: list[int]) -> list[dict[str, Any]]:
    """The rows with these numbers, which go up; of a file only the parts that have them."""
    if isinstance(table, LazyRows) and len(numbers) < _MOST_ONE_BY_ONE:
        return [table[number] for number in numbers]
    import pyarrow as pa

    return list(table.take(pa.array(numbers, pa.int64())).to_pylist())
