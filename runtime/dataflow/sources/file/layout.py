"""How a delimited file is written, as its settings say it and else as its beginning tells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from dataflow.sources.file.header import contrast, joined_names, lacks_names, preamble_of
from dataflow.sources.file.settings import WHITESPACE
from dataflow.sources.file.text_records import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

# How much of a file its delimiter and header are looked for in.
_BYTES = 1 << 18
_RECORDS = 100
_MOST_NOTES = 3
# A header and two rows.
_SHORTEST = 3
USUAL = (",", ";", "\t", "|")
# Tried where none of the usual ones parts a file into columns of the same number everywhere.
_CONTROL = ("\x01", "\x1f", "\x1e")
_UNUSUAL = ("^^", "~~", "^", "~", *_CONTROL, "§", "¦", "||", "::", "|~|", "~|~", "@@", "#|#")
# A usual sign between two equal others, or twice, side by side or with another between; the others
# are none that may stand for a value, or for none.
_OTHER = r"[^\w\s\"'|;.,?*/+-]"
_SEVERAL_SIGNS = re.compile(
    rf"(?P<other>{_OTHER})(?P<sign>[|;])(?P=other)|(?P<twice>[|;]){_OTHER}?(?P=twice)"
)


@dataclass(frozen=True)
class Layout:
    """How a file is written.

    Args:
        dialect: How its values are told apart.
        names: The names of the columns.
        skipped: How many lines stand above the header.
        header_rows: How many records the names stand in; 0 if they stand nowhere.
        units: The units of the columns, from the record below their names.
        below: How many records between the names and the rows are no data.
    """

    dialect: Dialect
    names: tuple[str, ...]
    skipped: int = 0
    header_rows: int = 1
    units: tuple[str, ...] = ()
    below: int = 0


def beginning_of(file: LocalFile) -> str:
    """The first whole lines of a text file."""
    with file.path.open("rb") as stream:
        start = stream.read(_BYTES)
    text = start.decode("utf-8-sig", errors="replace")
    if len(start) == _BYTES:
        text = text[: text.rfind("\n") + 1] or text
    return text


def each_line(text: str) -> Iterator[str]:
    """The lines of a text one by one, for who may need the first ones only."""
    start = 0
    while start < len(text):
        # Part by part: the first lines of a large text cost no copy of the whole of it.
        end = text.find("\n", start + _BYTES) + 1 or len(text)
        yield from io.StringIO(text[start:end], newline="")
        start = end


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, as files have them: of any of three kinds."""
    return list(each_line(text))


def text_below(text: str, lines: int) -> str:
    """A text without its first lines."""
    return "".join(islice(each_line(text), lines, None)) if lines else text


def dialect_of(text: str, file_format: str, settings: FileSource) -> Dialect:
    """How values are told apart: as the settings say, and else by what stands between most."""
    given = Dialect(
        delimiter=settings.delimiter or ("\t" if file_format == "tsv" else ","),
        quote='"' if settings.quote is None else settings.quote,
        escape=settings.escape or "",
        widths=tuple(settings.widths or ()),
        comment=settings.comment or "",
        has_header=settings.header is not False,
    )
    if settings.delimiter or settings.widths or file_format == "tsv":
        return given
    body = text_below(text, settings.skip_lines or 0)
    usual = [replace(given, delimiter=sign) for sign in USUAL]
    several = replace(given, delimiter=_of_several_signs(body) or ",")
    if several.delimiter != "," and _score(body, several)[0]:
        return several
    best = max(usual, key=lambda dialect: _score(body, dialect))
    if _score(body, best)[0]:
        return best
    for sign in _UNUSUAL:
        dialect = replace(given, delimiter=sign)
        if sign in body and _score(body, dialect)[0]:
            return dialect
    return best


def is_table(text: str) -> str | None:
    """The mark that parts every line of a text, from the header on, into as many values; or None.

    There are at least two lines, and two values in each.
    """
    for sign in (*USUAL, *_UNUSUAL):
        dialect = Dialect(sign)
        if sign in text and len(first_records(text, dialect, 3)) > 1 and _score(text, dialect)[0]:
            return sign
    return None


def is_even(text: str, dialect: Dialect) -> bool:
    """Whether all lines from the header on have as many values, and more than one."""
    return _score(text, dialect)[0]


def parted_by_blanks(text: str) -> bool:
    """Whether blanks part every line into as many values, with numbers or dates below names."""
    rows = [row for _, row in first_records(text, Dialect(WHITESPACE))]
    rows = rows[preamble_of(rows) :]
    return (
        len(rows) >= _SHORTEST
        and len({len(row) for row in rows}) == 1
        and len(rows[0]) > 1
        and (contrast(rows[0], rows[1:]) or lacks_names(rows[0], rows[1:]))
    )


def first_records(text: str, dialect: Dialect, most: int = _RECORDS) -> list[tuple[int, list[str]]]:
    """The first records that are not empty, each with the number of lines before it."""
    records: list[tuple[int, list[str]]] = []
    try:
        for record in islice(dialect.records(each_line(text), strict=False), most):
            records.append(record)
    except csv.Error:
        # A value longer than the reader takes; the records before it say enough.
        return records
    return records


def _of_several_signs(text: str) -> str:
    """A mark such as ``||`` or ``~|~`` whose usual sign stands nowhere else; empty if none."""
    found = _SEVERAL_SIGNS.search(text)
    if not found:
        return ""
    mark, sign = found[0], found["sign"] or found["twice"]
    return mark if text.count(sign) == mark.count(sign) * text.count(mark) else ""


def _score(text: str, dialect: Dialect) -> tuple[bool, float, int, int]:
    """How well a dialect parts a text; the greater, the better.

    Whether all records from the header on have as many values, which part of them has, how few
    records stand above the header, how many values they have.
    """
    rows = [record for _, record in first_records(text, dialect)]
    before = preamble_of(rows)
    below = rows[before:]
    # A sentence or two below the table is none of its rows.
    notes = 0
    while notes < _MOST_NOTES and len(below) > _SHORTEST and len(below[-1]) == 1 < len(below[0]):
        below, notes = below[:-1], notes + 1
    widths = Counter(len(row) for row in below)
    if not widths:
        return (False, 0.0, 0, 0)
    width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
    even = len(widths) == 1 and width > 1
    # Where lines differ, the mark that most of them have as often parts them, not the one that
    # happens to be in the first.
    return (even, round(count / len(below), 1) if width > 1 else 0.0, -before, width)


def layout_of(file: LocalFile, text: str, settings: FileSource) -> tuple[Layout, list[list[str]]]:
    """How a file is written, and its first records from the header on.

    What the settings do not say of delimiter, quotes and lines above the header is found out. Units
    are taken for such, and lines for comments, only where the settings say so.

    Args:
        text: The beginning of the file.
    """
    dialect = dialect_of(text, file.format, settings)
    skipped = settings.skip_lines or 0
    records = first_records(text_below(text, skipped), dialect)
    before = 0 if settings.skip_lines is not None else preamble_of([row for _, row in records])
    if records:
        skipped += records[before][0]
    rows = [row for _, row in records[before:]]
    header_rows = 0 if settings.header is False else settings.header_rows or 1
    units: tuple[str, ...] = ()
    if settings.units_row and len(rows) > header_rows:
        units = tuple(cell.strip() for cell in rows[header_rows])
    names = _names(rows, header_rows, settings)
    below = min(records_below(settings), max(len(rows) - header_rows, 0))
    return Layout(dialect, names, skipped, header_rows, units, below), rows


def records_below(settings: FileSource) -> int:
    """How many records between the names and the rows are no data by the settings."""
    return bool(settings.units_row) + bool(settings.kinds_row)


def _names(rows: list[list[str]], header_rows: int, settings: FileSource) -> tuple[str, ...]:
    if not header_rows:
        width = max((len(row) for row in rows), default=0)
        given = settings.names or ()
        return tuple(given) or tuple(f"column_{number}" for number in range(1, width + 1))
    heads = rows[:header_rows]
    names = joined_names(heads) if header_rows > 1 else list(heads[0]) if heads else []
    longest = max((len(row) for row in rows[header_rows:]), default=len(names))
    # A delimiter at the end of the header that no row has names nothing.
    while len(names) > 1 and not names[-1].strip() and longest < len(names):
        names.pop()
    return tuple(names)
