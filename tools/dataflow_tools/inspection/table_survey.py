"""What all lines of a table are like: which of them are rows, and which are something else."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.sources.file.footer import (
    Sums,
    begins_a_note,
    is_note_among,
    is_sum_of,
    is_summary,
    is_total,
    number_of,
    total_in,
)
from dataflow.sources.file.header import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A footer is looked for among so many lines at the end.
_LAST = 12


@dataclass
class Survey:
    """The records below the header of a table.

    Args:
        width: How many columns it has.
        widths: How many records have how many values; values missing at the end count as none.
        short: The first record with fewer values than columns, and its line.
        long: The first record with more values than columns, and its line.
        repeated: How many records repeat the header.
        empty: How many records have no value at all.
        totals: How many records are called totals.
        total: The first of them, and its line.
        last: The last records, each with the sums of those before it.
    """

    width: int
    rows: int = 0
    short_rows: int = 0
    short: tuple[int, list[str]] | None = None
    long: tuple[int, list[str]] | None = None
    first_of_long: bool = True
    repeated: int = 0
    empty: int = 0
    totals: int = 0
    total: tuple[int, list[str]] | None = None
    filled: Counter[int] = field(default_factory=Counter)
    first_filled: int = 0
    last: deque[tuple[list[str], Sums]] = field(default_factory=lambda: deque(maxlen=_LAST))

    @property
    def footer(self) -> list[list[str]]:
        """The records at the end that are no rows: notes, and totals that add up."""
        found: list[list[str]] = []
        usual = self.filled.most_common(1)[0][0] if self.filled else self.width
        last = list(self.last)
        for place, (row, sums) in reversed(list(enumerate(last))):
            above = (each for each, _ in last[:place])
            is_note = self._is_note(row, usual) or is_note_among(row, above)
            if not is_note and not self._adds_up(row, sums):
                break
            found.insert(0, row)
        while found and not any(cell.strip() for cell in found[0]):
            found.pop(0)
        return found if len(found) < self.rows else []

    @property
    def doubtful_total(self) -> list[str]:
        """A last record that is called a total, and whose numbers are not the sums; or nothing."""
        if not self.last or self.footer:
            return []
        row, _ = self.last[-1]
        first = next((cell for cell in row if cell.strip()), "")
        return row if total_in(row) or is_summary(first) else []

    def _is_note(self, row: Sequence[str], usual: int) -> bool:
        cells = [cell for cell in row if cell.strip()]
        if not cells:
            return True
        # Where rows have several values, a sentence alone in the first column is no row.
        return (
            len(cells) == 1
            and bool(row[0].strip())
            and usual > 1
            and self.width > 1
            and number_of(cells[0]) is None
            and not is_missing(cells[0])
            and self.filled[1] <= len(self.last)
            and (" " in cells[0].strip() or len(row) < self.width)
        ) or (len(cells) < usual and begins_a_note(row[0]))

    def _adds_up(self, row: Sequence[str], sums: Sums) -> bool:
        first = next((cell for cell in row if cell.strip()), "")
        nameless = not row[0].strip() and self.first_filled >= self.rows - 1
        # A formula that was never computed is what it says.
        summed = any(cell.upper().startswith("=SUM(") for cell in row)
        named = is_total(first) and (summed or sums.match(row))
        return named or is_sum_of(row, sums) or (nameless and sums.rows > 1 and sums.match(row))


def survey(records: Iterable[tuple[int, Sequence[str]]], header: Sequence[str]) -> Survey:
    """Look at all records below a header.

    Args:
        records: Each with the number of lines before it.
        header: The names of the columns.
    """
    found = Survey(len(header))
    names = [name.strip() for name in header]
    sums = Sums(len(header))
    # The last records, which are not yet in the sums: a copy of these for each takes long.
    last: deque[list[str]] = deque()
    for number, record in records:
        row = list(record)
        found.rows += 1
        cells = [cell.strip() for cell in row]
        filled = sum(1 for cell in cells if cell)
        found.filled[filled] += 1
        found.first_filled += bool(cells and cells[0])
        found.empty += not filled
        found.repeated += cells == names and len(names) > 1
        if total_in(cells):
            found.totals += 1
            found.total = found.total or (number, row)
        if len(row) < found.width:
            found.short_rows += 1
            found.short = found.short or (number, row)
        elif any(cells[found.width :]):
            found.long = found.long or (number, row)
        last.append(row)
        if len(last) > _LAST:
            sums.add(last.popleft())
    for row in last:
        found.last.append((row, sums.copy()))
        sums.add(row)
    return found
