"""How the lines of a text file are parted into values, where the usual marks do not tell."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from dataflow.sources.file.drawn import RULE, is_framed, ruled_widths
from dataflow.sources.file.header import (
    columns_of_values,
    contrast,
    has_units,
    is_missing,
    looks_like_a_value,
    preamble_of,
)
from dataflow.sources.file.layout import (
    dialect_of,
    each_line,
    first_records,
    is_even,
    lines_of,
    parted_by_blanks,
    text_below,
)
from dataflow.sources.file.settings import FRAMED, WHITESPACE
from dataflow.sources.file.text_records import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.sources.file.settings import FileSource

Proposal = tuple[str, Any, str]
# What lines begin with that are no rows.
_COMMENT_MARKS = ("#", "//", "%", "--", "!", ";")
_LINES = 400
_FEWEST_LINES = 3
# A colon also stands in times: so many columns must come of it.
_FEWEST_BY_COLON = 3


def propose_dialect(text: str, file_format: str, given: FileSource) -> Iterator[Proposal]:
    """Settings that tell a file's values apart, where its name and the usual marks do not.

    Args:
        text: The file, or its beginning.
    """
    known = {}
    if given.delimiter is None and given.widths is None:
        skipped = given.skip_lines or 0
        lines = list(islice(each_line(text), skipped, skipped + _LINES))
        if is_framed(lines):
            yield "delimiter", FRAMED, "Lines are drawn around the cells: `delimiter: framed`."
            return
        if widths := ruled_widths(lines):
            listed = ", ".join(map(str, widths))
            yield "widths", widths, f"Dashes below the names rule the columns: `widths`, {listed}."
            yield "comment", given.comment or RULE, ""
            return
    if given.comment is None and (found := _comment(text, file_format, given)):
        known[found[0]] = found[1]
        yield found
    now = given.model_copy(update=known)
    body = text_below(text, now.skip_lines or 0)
    dialect = dialect_of(text, file_format, now)
    if given.delimiter is not None or given.widths is not None:
        return
    if given.quote is None and given.escape is None:
        for proposal in _quotes(body, file_format, now):
            known[proposal[0]] = proposal[1]
            yield proposal
        now = given.model_copy(update=known)
        dialect = dialect_of(text, file_format, now)
    usual = "\t" if file_format == "tsv" else ","
    if is_even(body, dialect) or _mostly_even(body, dialect):
        if dialect.delimiter != usual:
            yield "delimiter", dialect.delimiter, ""
        return
    if file_format == "tsv":
        return
    yield from _unusual(body, now)


def _unusual(body: str, given: FileSource) -> Iterator[Proposal]:
    comment = given.comment or ""
    blanks = Dialect(WHITESPACE, comment=comment)
    colon = Dialect(":", comment=comment)
    if parted_by_blanks(body) if not comment else _speaks(body, blanks):
        note = "Blanks part the columns: `delimiter: whitespace`."
        yield "delimiter", WHITESPACE, note
        return
    widths = fixed_widths(list(islice(filter(str.strip, each_line(body)), _LINES)))
    if widths and _speaks(body, Dialect(widths=tuple(widths), comment=comment)):
        note = f"The columns have fixed widths: {', '.join(map(str, widths))}. See `widths`."
        yield "widths", widths, note
        return
    if is_even(body, colon) and len(first_records(body, colon)[0][1]) >= _FEWEST_BY_COLON:
        yield "delimiter", ":", "Colons part the columns."
        return
    if sign := _recurring(body):
        note = (
            f"What parts the columns cannot be told. Each line has {sign!r} as often: if it does, "
            f"set `delimiter`, as in -d source_settings='{{delimiter: \"{sign}\"}}'."
        )
        yield "delimiter", None, note


def _speaks(body: str, dialect: Dialect) -> bool:
    """Whether a dialect gives as many values in every line, and names above numbers or dates."""
    rows = [row for _, row in first_records(body, dialect)]
    rows = rows[preamble_of(rows) :]
    return (
        len(rows) >= _FEWEST_LINES
        and len({len(row) for row in rows}) == 1
        and len(rows[0]) > 1
        and contrast(rows[0], rows[1:])
    )


def _mostly_even(body: str, dialect: Dialect) -> bool:
    """Whether nearly all lines have as many values, and more than one."""
    rows = [row for _, row in first_records(body, dialect)]
    widths = Counter(len(row) for row in rows[preamble_of(rows) :])
    if not widths:
        return False
    width, count = widths.most_common(1)[0]
    return width > 1 and count * 2 > sum(widths.values())


def fixed_widths(lines: list[str]) -> list[int]:
    """The widths of columns between which every line has a blank; empty if there are no two."""
    bare = [line.rstrip("\r\n") for line in lines]
    if len(bare) < _FEWEST_LINES or any("\t" in line for line in bare):
        return []
    longest = max(map(len, bare))
    filled = [
        any(index < len(line) and not line[index].isspace() for line in bare)
        for index in range(longest)
    ]
    starts = [i for i in range(longest) if filled[i] and (i == 0 or not filled[i - 1])]
    if len(starts) <= 1:
        return []
    bounds = [0, *starts[1:], longest]
    return [end - start for start, end in pairwise(bounds)]


def _recurring(body: str) -> str:
    """A sign that is no letter, digit or blank and that every line has as often."""
    lines = [line for line in islice(each_line(body), _LINES) if line.strip()]
    if len(lines) < _FEWEST_LINES:
        return ""
    for sign in sorted(set(re.findall(r"[^\w\s\"'.,-]", lines[0]))):
        if len({line.count(sign) for line in lines}) == 1:
            return str(sign)
    return ""


def _comment(text: str, file_format: str, given: FileSource) -> Proposal | None:
    """The mark of lines that are comments, or the lines to skip where rows begin with it too."""
    lines = lines_of(text)
    for mark in _COMMENT_MARKS:
        marked = [i for i, line in enumerate(lines) if line.lstrip().startswith(mark)]
        if not marked:
            continue
        without = set(marked)
        rest = "".join(line for i, line in enumerate(lines) if i not in without)
        dialect = dialect_of(rest, file_format, given)
        if not is_even(rest, dialect) and parted_by_blanks(rest):
            dialect = Dialect(WHITESPACE)
        rows = [row for _, row in first_records(rest, dialect)]
        if not rows or (mark == ";" and dialect.delimiter == ";"):
            continue
        width = Counter(map(len, rows)).most_common(1)[0][0]
        leading = [
            i
            for n, i in enumerate(marked)
            if all(j in marked or not lines[j].strip() for j in range(i)) and n == marked.index(i)
        ]
        cells = {i: _cells(lines[i], dialect) for i in marked}
        inner = [i for i in marked if i not in leading]
        if leading and _is_header(cells[leading[-1]], rows, width):
            # The names stand behind the mark, and units below them as well.
            names = leading[-1]
            if len(leading) > 1 and _are_units(cells[leading[-2]], cells[names], rows):
                names = leading[-2]
            if names != leading[0] and given.skip_lines is None:
                above = " ".join("".join(lines[:names]).split())
                return "skip_lines", names, f"Skipped above the header: {above[:60]!r}."
            return None
        # Sentences follow a blank, and may have delimiters in them.
        spaced = all(lines[i].lstrip()[len(mark) :][:1].isspace() for i in marked)
        apart = spaced and (leading or not any(_could_be_a_row(cells[i], rows) for i in inner))
        rowlike = any(len(cells[i]) == width and width > 1 for i in inner) and not apart
        if rowlike or (width == 1 and not leading):
            return None
        shown = "; ".join(repr(lines[i].strip()[:60]) for i in marked[:3])
        many = f"{len(marked)} lines that begin" if len(marked) > 1 else "1 line that begins"
        return "comment", mark, f"{many} with {mark!r}: skipped as comments ({shown})."
    return None


def _cells(line: str, dialect: Dialect) -> list[str]:
    records = first_records(line, dialect, 1)
    return records[0][1] if records else []


def _could_be_a_row(cells: list[str], rows: list[list[str]]) -> bool:
    """Whether a line has numbers and dates in the columns in which all rows have them."""
    kinds = columns_of_values(rows[1:], len(rows[0]))
    return all(
        not kind or is_missing(cell) or looks_like_a_value(cell)
        for cell, kind in zip(cells, kinds, strict=False)
    )


def _are_units(names: list[str], units: list[str], rows: list[list[str]]) -> bool:
    """Whether a line with a mark has the units of columns whose names stand in the one above."""
    return len(names) == len(units) and has_units(names, [units, *rows])


def _is_header(cells: list[str], rows: list[list[str]], width: int) -> bool:
    """Whether a line with a mark has the names of the columns, which then stand nowhere else."""
    return (
        len(cells) == width
        and width > 1
        and contrast(cells, rows)
        and not contrast(rows[0], rows[1:])
    )


def _quotes(body: str, file_format: str, given: FileSource) -> Iterator[Proposal]:
    """Other signs for quotes, where the usual one does not lead through the file."""
    plain = dialect_of(body, file_format, given)
    closes, single = _closes(body, plain), _all_quoted(body, plain)
    if closes and not single and is_even(body, plain):
        return
    ways: tuple[tuple[bool, str, str, str], ...] = (
        (single or "'" in body, "quote", "'", 'Values stand in single quotes: `quote: "\'"`.'),
        (
            '\\"' in body,
            "escape",
            "\\",
            "Quotes within values have a backslash before them: see `escape`.",
        ),
        (
            not closes and _means_nothing(body, plain),
            "quote",
            "",
            "Quotation marks are part of the values: `quote: ''`.",
        ),
    )
    for likely, name, value, note in ways:
        if likely:
            other = dialect_of(body, file_format, given.model_copy(update={name: value}))
            if _closes(body, other) and is_even(body, other):
                yield name, value, note
                return


def _closes(body: str, dialect: Dialect) -> bool:
    """Whether every quote is closed, and nothing stands after it."""
    try:
        for _ in dialect.records(each_line(body)):
            pass
    except csv.Error:
        return False
    return True


def _means_nothing(body: str, dialect: Dialect) -> bool:
    """Whether quotes part no values: none encloses one, and it is not that one was forgotten."""
    sign = re.escape(dialect.delimiter)
    lines = [line.rstrip("\r\n") for line in lines_of(body)]
    if any(re.search(f'(^|{sign})"[^"]*"({sign}|$)', line) for line in lines):
        return False
    odd = sum(line.count('"') % 2 for line in lines)
    return odd > 1 or any('"' in line and not line.count('"') % 2 for line in lines)


def _all_quoted(body: str, dialect: Dialect) -> bool:
    """Whether all texts of a column stand in single quotes, or a value is cut in two by them."""
    rows = [row for _, row in first_records(body, dialect)][1:]
    width = max(map(len, rows), default=0)
    for index in range(width):
        cells = [row[index].strip() for row in rows if index < len(row) and row[index].strip()]
        if len(cells) > 1 and all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells):
            return True
    return False
