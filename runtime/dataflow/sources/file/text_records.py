"""The records of delimited text: values between marks, between blanks, or in fixed widths."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from dataflow.sources.file.drawn import cells_within, is_line
from dataflow.sources.file.settings import FRAMED, WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Stands for a delimiter of several signs, which Python's reader does not take.
_STAND_IN = "\x1f"
_LONGEST_VALUE = 8 << 20
# What DOS ends a file with; a line of it, or of blanks, is an empty one.
_END = "\x1a"


class CrossedError(csv.Error):
    """A value stands across the border of two columns of fixed widths.

    Args:
        line: The number of lines before it.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line + 1}")
        self.line = line


@dataclass(frozen=True)
class Dialect:
    """How the values of a record are told apart.

    Args:
        delimiter: What stands between them: a sign, up to four, ``whitespace`` or ``framed``.
        quote: The sign around a value with a delimiter in it; empty if there is none.
        escape: The sign before a quote within a value; empty if quotes are doubled.
        widths: The widths of the values, in signs; empty if they have none.
        comment: What lines begin with that are left out; empty if none are.
        has_header: Whether the first record has names, which tell if blanks part the columns.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    widths: tuple[int, ...] = ()
    comment: str = ""
    has_header: bool = False

    @property
    def by_position(self) -> bool:
        """Whether a line is a record, without quotes."""
        return bool(self.widths) or self.delimiter in (WHITESPACE, FRAMED)

    def records(
        self, lines: Iterable[str], *, strict: bool = True
    ) -> Iterator[tuple[int, list[str]]]:
        """The records that are not empty, each with the number of lines that end before it.

        Args:
            lines: The lines with their ends.
            strict: Refuse what does not keep to the dialect.

        Raises:
            csv.Error: A quote is not closed, or a value goes on after it.
            CrossedError: A value is wider than its column.
        """
        if self.by_position:
            apart: bool | None = None
            for number, line in enumerate(lines):
                bare = line.rstrip("\r\n")
                if self.delimiter == FRAMED and is_line(bare):
                    continue
                if bare.strip() and not (self.comment and bare.lstrip().startswith(self.comment)):
                    if apart is None:
                        apart = strict and self.has_header and not self._crosses(bare)
                    elif apart and self._crosses(bare):
                        raise CrossedError(number)
                    yield number, self._split(bare)
            return
        yield from self._quoted(lines, strict=strict)

    def _crosses(self, line: str) -> bool:
        """Whether a value stands across the border of two columns."""
        borders = list(accumulate(self.widths))[:-1]
        return any(len(line[at - 1 : at + 1].strip()) > 1 for at in borders)

    def _split(self, line: str) -> list[str]:
        if not self.widths:
            return cells_within(line) if self.delimiter == FRAMED else line.split()
        ends = list(accumulate(self.widths))
        # What stands beyond the last column belongs to it: nothing is cut off.
        cells = [line[end - width : end] for width, end in zip(self.widths, ends, strict=True)]
        cells[-1] += line[ends[-1] :]
        return [cell.strip() for cell in cells]

    def _quoted(self, lines: Iterable[str], *, strict: bool) -> Iterator[tuple[int, list[str]]]:
        several = len(self.delimiter) > 1
        lines = Lines(lines, self.comment, self.quote, self.escape)
        text = (line.replace(self.delimiter, _STAND_IN) for line in lines) if several else lines
        csv.field_size_limit(_LONGEST_VALUE)
        reader = csv.reader(
            text,
            delimiter=_STAND_IN if several else self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            strict=strict,
        )
        for record in reader:
            before = lines.pop_first()
            if len(record) > 1 or (record and record[0].strip().strip(_END)):
                if several:
                    record = [cell.replace(_STAND_IN, self.delimiter) for cell in record]
                yield before, record


class Lines:
    """The lines that are no comments, and how many lines have passed before each.

    What looks like a comment within quotes is a part of the value.
    """

    def __init__(self, lines: Iterable[str], comment: str, quote: str, escape: str) -> None:
        self._lines = iter(lines)
        self._comment, self._quote, self._escape = comment, quote, escape
        self._within = False
        self._passed = 0
        self._first: int | None = None

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._passed += 1
            if self._comment and not self._within and line.lstrip().startswith(self._comment):
                continue
            if self._comment and self._quote:
                quotes = line.count(self._quote)
                if self._escape:
                    quotes -= line.count(self._escape + self._quote)
                self._within ^= quotes % 2 == 1
            if self._first is None:
                self._first = self._passed - 1
            yield line

    def pop_first(self) -> int:
        """How many lines had passed before the first that was taken since this was asked last."""
        first, self._first = self._first, None
        return first or 0
