"""Where the names of the columns stand, and what stands around them, in the rows of a table.

The rows are those of a text file or of a sheet, each a list of texts.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# A number or an ISO date, as names of columns are not; years are, in wide tables.
_LIKE_A_VALUE = re.compile(r"[-+]?\d+([.,]\d+)?(e[-+]?\d+)?|\d{4}-\d\d-\d\d([ T].*)?")
_YEAR = re.compile(r"(1[5-9]|2[01])\d\d")
# As values in a column of values are written.
_VALUE = re.compile(
    r"[-+(]?[$€£¥]? ?-?\d[\d.,'\u2019 \u00a0\u202f_]*(e[-+]?\d+)? ?[%€$£¥)-]?"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|-?\d{1,4}:\d\d(:\d\d([.,]\d+)?)?( ?[ap]\.?m\.?)?"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}|true|false",
    re.IGNORECASE,
)
_MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "-", "--", ".", "..", "?", "*", "#n/a", "nil", "\\n"}
    | {":", "/", "\u2013", "\u2014", "\u2026"}
)
_UNIT = re.compile(
    # As the USGS writes the width and kind of a column: 15s, 14n.
    r"\d{1,3}[sdn]|\[.{0,24}\]|\(.{0,24}\)|[^\W\d_]{0,3}[%°µμ‰$€£¥²³Ω]\w{0,4}.{0,6}"
    r"|[^\W\d]{1,6}([²³]|\^-?\d|-?\d)?([·*/ .][^\W\d]{1,6}([²³]|\^-?\d|-?\d)?){0,3}|-|1"
)
_UNIT_WORDS = frozenset(
    """
    degc degf celsius kelvin fahrenheit percent pct seconds second minutes minute hours hour days
    day months month years year meter metre meters metres kilometers gram grams kilogram liter
    liters litre litres watt watts volt volts ampere hertz pascal joule newton mole count counts
    number units unit usd eur gbp chf euro euros dollar dollars text string float integer int date
    boolean pieces persons people ppm ppb index ratio degrees degree knots knot mph kmh
    degt utc degrees_north degrees_east degree_north degree_east degree_c degree_f degrees_c
    thousand thousands million millions anzahl prozent personen tausend tsd mio mrd stück tonnen
    tage jahre stunden nombre pourcentage personnes milliers porcentaje personas número numero
    """.split()  # noqa: SIM905
)
# What a value of a logger is of those that were measured since the one before it.
_KINDS = frozenset(
    """
    avg average mean smp sample max maximum min minimum tot total sum std stddev wvc win med median
    cov mom tmx tmn vec
    """.split()  # noqa: SIM905
)
# Short words that are values where nothing else in a record is a unit.
_NO_UNITS = frozenset({"inf", "nan", "abs", "tbd", "yes", "no", "ok", "err", "neg", "pos", "low"})
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{4}")
_SHORTEST_TABLE = 2
# Groups of groups of names stand in no more records than this.
_MOST_HEADER_ROWS = 4
# Of so many values of a column, nearly all must be numbers or dates for it to be one of those.
_MOST_OF_THEM = 0.8
_WIDEST_UNIT = 30


@dataclass(frozen=True)
class Head:
    """What stands above the rows.

    Args:
        before: How many records stand above the names.
        rows: How many records the names stand in; 0 if there are none.
        units: Whether the record below them holds units.
    """

    before: int = 0
    rows: int = 1
    units: bool = False


def looks_like_a_value(cell: str) -> bool:
    """Whether a text is a number, a date, a time or a truth value."""
    return _VALUE.fullmatch(cell.strip()) is not None


def is_missing(cell: str) -> bool:
    """Whether a text is empty or says that there is no value."""
    return cell.strip().lower() in _MISSING


def values_in(header: Sequence[str]) -> list[str]:
    """The cells of a header that look like values, not like names."""
    found = [cell.strip() for cell in header if _LIKE_A_VALUE.fullmatch(cell.strip())]
    if all(map(_YEAR.fullmatch, found)):
        return []
    # Columns without names of their own are often numbered.
    numbered = [str(number) for number in range(len(header))]
    return [] if found in (numbered, [*numbered[1:], str(len(header))]) else found


def preamble_of(rows: Sequence[Sequence[str]]) -> int:
    """How many records stand above the names: titles, notes and keys with their values.

    Nothing is left out where it could be the names or a row.
    """
    widths = Counter(len(row) for row in rows)
    if not widths:
        return 0
    width = max(widths, key=lambda size: (widths[size], size))
    if width < _SHORTEST_TABLE:
        return 0
    for before, row in enumerate(rows[:-1]):
        filled = sum(1 for cell in row if cell.strip())
        below = rows[before + 1 :]
        if len(row) == width and filled == width:
            break
        if filled == 0 or (filled == 1 and row[0].strip() and _is_fuller(below[0], below)):
            continue
        if _is_note(row, filled, width) and _begins(below, width):
            continue
        break
    else:
        return 0
    chosen, below = rows[before], rows[before + 1 :]
    if before and (
        len(chosen) != width
        or (values_in(list(chosen)) and not _is_over_periods(chosen, below))
        or _rowlike(rows, before)
    ):
        return 0
    return before


def _is_fuller(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row, or one of the few below it, has several values."""
    return any(sum(1 for cell in each if cell.strip()) > 1 for each in (row, *below[:20]))


def _is_note(row: Sequence[str], filled: int, width: int) -> bool:
    """Whether a record is a key and its value, or a sentence with a delimiter in it."""
    # A row of another table is none.
    if filled > 1 and all(looks_like_a_value(cell) for cell in row if cell.strip()):
        return False
    if len(row) > width:
        return True
    cells = list(row)
    while cells and not cells[-1].strip():
        cells.pop()
    complete = len(cells) < width and filled == len(cells)
    return complete and (len(row) != width or filled * 2 <= width + 1)


def _begins(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether names stand further down, above values: a whole record of texts over numbers."""
    for number, row in enumerate(rows[:20]):
        below = rows[number + 1 :]
        cells = list(row)
        # A delimiter at the end of each line names nothing.
        if not cells[-1].strip() and all(not other[-1].strip() for other in below):
            cells.pop()
        if len(row) == width and all(cell.strip() for cell in cells):
            named = not values_in(cells) or _is_over_periods(row, below)
            return named and contrast(row, below)
    return False


def _rowlike(rows: Sequence[Sequence[str]], before: int) -> bool:
    """Whether what would be the names looks like the rows below it, and what is above does not."""
    above = [row for row in rows[:before] if len(row) == len(rows[before])]
    full = [row for row in above if sum(1 for cell in row if cell.strip()) * 2 > len(row)]
    return bool(full) and not contrast(rows[before], rows[before + 1 :])


def columns_of_values(rows: Sequence[Sequence[str]], width: int) -> list[bool]:
    """For each column, whether nearly all of its values are numbers, dates or the like."""
    result = []
    for index in range(width):
        cells = [row[index] for row in rows if index < len(row) and not is_missing(row[index])]
        values = sum(1 for cell in cells if looks_like_a_value(cell))
        result.append(bool(cells) and values >= _MOST_OF_THEM * len(cells))
    return result


def contrast(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a record has a text over a column of numbers or dates, as names do."""
    kinds = columns_of_values(rows, len(header))
    return _is_over_periods(header, rows) or any(
        kind and cell.strip() and not looks_like_a_value(cell)
        for cell, kind in zip(header, kinds, strict=True)
    )


def _is_over_periods(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether columns are called after years or days, and hold other values than those."""
    kinds = columns_of_values(rows, len(header))
    for period in (_YEAR, _DATE):
        over = [
            index
            for index, (cell, kind) in enumerate(zip(header, kinds, strict=True))
            if kind and period.fullmatch(cell.strip())
        ]
        cells = [row[index].strip() for row in rows for index in over if index < len(row)]
        alike = sum(1 for cell in cells if period.fullmatch(cell))
        if len({header[index].strip() for index in over}) > 1 and alike * 2 < len(cells):
            return any(cell.strip() and not looks_like_a_value(cell) for cell in header)
    return False


def lacks_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first record looks like a row: values over values, and no name over any."""
    if not rows or not values_in(list(header)):
        return False
    kinds = columns_of_values(rows, len(header))
    alike = any(kind and looks_like_a_value(cell) for cell, kind in zip(header, kinds, strict=True))
    return alike and not contrast(header, rows)


def has_units(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of the rows below the names holds units, not data.

    It does if over columns of numbers it has units or nothing, and no number or date at all.
    """
    if len(rows) < _SHORTEST_TABLE or len(rows[0]) != len(header):
        return False
    rest = rows[1:]
    # Where the names stand behind a mark of comments, so do the units.
    first = [rows[0][0].lstrip("#% "), *rows[0][1:]]
    kinds = columns_of_values(rest, len(header))
    over = [
        (index, cell.strip())
        for index, (cell, kind) in enumerate(zip(first, kinds, strict=True))
        if kind and cell.strip()
    ]
    if not over or any(looks_like_a_value(cell) and cell.strip() != "1" for cell in first):
        return False
    if all(is_missing(cell) or cell == "1" or cell.lower() in _NO_UNITS for _, cell in over):
        return False
    if any(cell == "1" and _is_counted(rest, index) for index, cell in over):
        return False
    texts = [cell.strip() for cell, kind in zip(first, kinds, strict=True) if not kind]
    if all(cell.isalpha() and cell.lower() not in _UNIT_WORDS for _, cell in over) and any(
        cell and not _is_unit(cell) for cell in texts
    ):
        # A name and a short word are a row.
        return False
    again = any(
        cell.lower() == row[index].strip().lower()
        for index, cell in over
        for row in rest
        if index < len(row)
    )
    return not again and all(_is_unit(cell) for _, cell in over)


def has_kinds(row: Sequence[str]) -> bool:
    """Whether a record says how values came about, as loggers write it: Smp, Avg, Max."""
    cells = [cell.strip().lower() for cell in row if cell.strip()]
    return bool(cells) and all(cell in _KINDS for cell in cells)


def _is_counted(rows: Sequence[Sequence[str]], index: int) -> bool:
    """Whether a column has whole numbers, of which a 1 above them is one more."""
    cells = [row[index].strip() for row in rows if index < len(row) and row[index].strip()]
    return all(cell.isdigit() for cell in cells)


def _is_unit(cell: str) -> bool:
    if cell.lower() in _UNIT_WORDS:
        return True
    if len(cell) > _WIDEST_UNIT or _UNIT.fullmatch(cell) is None:
        return False
    # Bare words may be values; signs, fractions and short ones are units.
    bare = cell.isalpha()
    return not bare or len(cell) <= 3


def header_rows_of(rows: Sequence[Sequence[str]]) -> int:
    """In how many records the names stand: several where the first has gaps that others fill.

    Groups such as years stand above, each over several columns.
    """
    named = [cell.strip() for cell in rows[0] if cell.strip()] if rows else []
    if not named or (len(named) == len(rows[0]) and len(set(named)) == len(named)):
        return 1
    for several in range(2, _MOST_HEADER_ROWS + 1):
        heads, below = rows[:several], rows[several:]
        if not below or len(heads[-1]) != len(heads[0]):
            break
        lowest = [cell.strip() for cell in heads[-1] if cell.strip()]
        if any(looks_like_a_value(cell) and not _YEAR.fullmatch(cell) for cell in lowest):
            break
        are_names = not any(map(looks_like_a_value, lowest)) or _is_over_periods(heads[-1], below)
        if are_names and len(lowest) > 1 and contrast(heads[-1], below):
            joined = joined_names(heads)
            if all(joined) and len({name.lower() for name in joined}) == len(joined):
                return several
    return 1


def joined_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of columns that stand in several records: `2024` over `Q1` is `2024 Q1`.

    A gap in any record but the last one belongs to what stands left of it.
    """
    width = max((len(row) for row in rows), default=0)
    filled = []
    for number, row in enumerate(rows):
        cells = [cell.strip() for cell in row] + [""] * (width - len(row))
        if number < len(rows) - 1:
            for index in range(1, width):
                cells[index] = cells[index] or cells[index - 1]
        filled.append(cells)
    return [" ".join(filter(None, dict.fromkeys(column))) for column in zip(*filled, strict=True)]


def _fills_gaps(table: Sequence[Sequence[str]]) -> bool:
    """Whether the second record has names where the first has none, or the same one twice."""
    named = [cell.strip().lower() for cell in table[0] if cell.strip()]
    if len(set(named)) < len(named):
        return True
    return len(table) > 1 and any(
        lower.strip() and not upper.strip()
        for upper, lower in zip(table[0], table[1], strict=False)
    )


def head_of(rows: Sequence[Sequence[str]]) -> Head:
    """What stands above the rows of a table, as far as its beginning tells."""
    before = preamble_of(rows)
    table = rows[before:]
    if not table:
        return Head()
    if lacks_names(table[0], table[1:]):
        return Head(before, 0)
    if not _fills_gaps(table) and has_units(table[0], table[1:]):
        return Head(before, 1, units=True)
    several = header_rows_of(table)
    return Head(before, several, has_units(table[several - 1], table[several:]))
