"""Several tables in one file or sheet, below or beside one another, which are not one table."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING

from dataflow.shared.shown import shortened
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.header import (
    columns_of_values,
    contrast,
    is_missing,
    looks_like_a_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dataflow.sources.local_file import LocalFile

# So many records above and below a header tell what stands there.
_NEAR = 20
_FEWEST_NAMES = 2
_FEWEST_ROWS = 2

# A record with the number of the line, or of the sheet's row, that it begins in, from 0.
Record = tuple[int, "Sequence[str]"]


def one_table(
    file: LocalFile, records: Iterable[Record], header: Sequence[str]
) -> Iterator[Record]:
    """The records below a header, as they are, as long as they are those of one table.

    Args:
        header: The names of the columns.

    Raises:
        SourceDataError: Another table begins among them.
    """
    names = [name.strip() for name in header]
    above: deque[Record] = deque(maxlen=_NEAR)
    ahead: deque[Record] = deque()
    source = iter(records)
    for record in source:
        ahead.append(record)
        if len(ahead) > _NEAR:
            yield _checked(file, above, ahead, names)
    while ahead:
        yield _checked(file, above, ahead, names)


def _checked(
    file: LocalFile, above: deque[Record], ahead: deque[Record], names: Sequence[str]
) -> Record:
    """The next record, from which those ahead go on."""
    record = ahead.popleft()
    if _begins_another(above, record, ahead, names):
        number, row = record
        shown = shortened(", ".join(cell.strip() for cell in row if cell.strip()), 60)
        raise SourceDataError(
            f"{file.shown}, line {number + 1:,}: another table seems to begin here, with the names "
            f"{shown!r}; tables below one another are not one table.",
            "Put each into a file of its own. To read the last one: -d "
            f"source_settings='{{skip_lines: {number}}}'. If all is one table, say how many lines "
            "stand above its names: `skip_lines`, 0 for none.",
        )
    above.append(record)
    return record


def _begins_another(
    above: Sequence[Record], record: Record, ahead: Iterable[Record], names: Sequence[str]
) -> bool:
    cells = _trimmed(record[1])
    if not above or len(cells) < _FEWEST_NAMES or not all(cells) or len(set(cells)) < len(cells):
        return False
    is_header = cells == list(names)
    # Said of nearly every record, and before what takes longer: names are no values.
    if not is_header and any(looks_like_a_value(cell) or is_missing(cell) for cell in cells):
        return False
    titled = len(_trimmed(above[-1][1])) == 1
    apart = _is_apart(above[-1], record) or (
        titled and len(above) > 1 and _is_apart(above[-2], above[-1])
    )
    if is_header:
        # Pages repeat their header, but each table has a title of its own.
        return apart and titled
    below = _up_to_a_gap(row for _, row in ahead)
    if apart:
        return bool(below) and contrast(cells, below)
    rows = [row for _, row in above if any(cell.strip() for cell in row)]
    if min(len(rows), len(below)) < _FEWEST_ROWS:
        return False
    before = columns_of_values(rows, len(cells))
    return any(before) and before != columns_of_values(below, len(cells)) and contrast(cells, below)


def _up_to_a_gap(rows: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    return list(takewhile(lambda row: any(cell.strip() for cell in row), rows))


def _is_apart(above: Record, below: Record) -> bool:
    """Whether a blank line stands between two records, or is the first."""
    number, row = above
    lines = 1 + sum(cell.count("\n") for cell in row)
    return not any(cell.strip() for cell in row) or below[0] > number + lines


def _trimmed(row: Sequence[str]) -> list[str]:
    """The cells of a record without blank ones at its end."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def beside_one_another(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """What to say where an empty column without a name parts the others; nothing if none does."""
    for index, name in enumerate(header):
        named_around = any(map(str.strip, header[:index])) and any(
            map(str.strip, header[index + 1 :])
        )
        empty = not any(row[index].strip() for row in rows if index < len(row))
        if not name.strip() and empty and named_around and rows:
            return (
                f"Column {index + 1} is empty and has no name, and others stand on both sides: "
                "if these are two tables beside one another, put each into a file of its own; "
                "each line is read as one row."
            )
    return ""
