"""Totals and notes at the end of a table that no setting speaks of: they would be read as rows."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from dataflow.shared.shown import shortened
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.footer import (
    Sums,
    begins_a_note,
    is_note_among,
    is_sum_of,
    total_in,
)
from dataflow.sources.file.layout import first_records, lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.sources.file.layout import Layout
    from dataflow.sources.local_file import LocalFile

# A footer is looked for among so many records at the end, in so many bytes.
_LAST = 12
_BYTES = 1 << 16


def refuse_unsaid_footer(file: LocalFile, layout: Layout) -> None:
    """Refuse a text file that ends in a total or a note.

    Only the end is read, and the whole file if that looks like one.

    Raises:
        SourceDataError: It does.
    """
    with file.path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _BYTES))
        end = stream.read().decode("utf-8", errors="replace")
    lines = lines_of(end)[1 if size > _BYTES else layout.skipped + layout.header_rows :]
    ends = [row for _, row in first_records("".join(lines), layout.dialect, len(lines))][-_LAST:]
    if not any(total_in(row) or _is_note(row) or is_note_among(row, ()) for row in ends):
        return
    last: deque[tuple[list[str], Sums]] = deque(maxlen=_LAST)
    sums = Sums(len(layout.names))
    with file.path.open(encoding="utf-8-sig", newline="", errors="replace") as source:
        records = layout.dialect.records(islice(source, layout.skipped, None), strict=False)
        for _, row in islice(records, layout.header_rows + layout.below, None):
            last.append((row, sums.copy()))
            sums.add(row)
    refuse_footer(file, list(last), 0)


def last_rows(rows: Sequence[Sequence[str]], sums: Sums) -> list[tuple[Sequence[str], Sums]]:
    """The last rows of a table, each with the sums of those before it.

    Args:
        rows: The rows, or the last of them.
        sums: Those of all rows.
    """
    found: list[tuple[Sequence[str], Sums]] = []
    before = sums.copy()
    for row in reversed(rows[-_LAST:]):
        before.remove(row)
        found.insert(0, (row, before.copy()))
    return found


def refuse_footer(
    file: LocalFile, last: Sequence[tuple[Sequence[str], Sums]], left_out: int
) -> None:
    """Refuse rows the last of which are a total or a note.

    Args:
        last: The last rows, each with the sums of those before it.
        left_out: How many lines below them are left out by a setting.

    Raises:
        SourceDataError: They are.
    """
    found: list[Sequence[str]] = []
    for place, (row, sums) in reversed(list(enumerate(last))):
        above = (each for each, _ in last[:place])
        is_note = _is_note(row) or is_note_among(row, above)
        if _filled(row) and not (is_sum_of(row, sums) or is_note):
            break
        found.insert(0, row)
    while found and not _filled(found[0]):
        found.pop(0)
    if not found:
        return
    shown = "; ".join(repr(shortened(", ".join(row))) for row in found[:3])
    keep = ", or correct the end of the file" if left_out else ", or 0 if it is a row"
    raise SourceDataError(
        f"{file.shown} ends in what looks like a total or a note, and would be read as rows: "
        f"{shown}. Nothing was loaded.",
        f"Set `ingestion.source.footer_lines: {left_out + len(found)}` to leave it out{keep}.",
    )


def _is_note(row: Sequence[str]) -> bool:
    cells = _filled(row)
    return len(cells) == 1 < len(row) and begins_a_note(cells[0])


def _filled(row: Sequence[str]) -> list[str]:
    return [cell for cell in row if cell.strip()]
