"""Lines at the end of a table that are no data: totals, sources, notes."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from dataflow.sources.file.header import columns_of_values, is_missing, looks_like_a_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TOTAL = re.compile(
    r"(grand |sub|sous|overall |net |sub |eind|hoved|genel )?-?"
    r"(totals?|totaal|totale|totales|sums?|suma|summe|somme|soma|toplam)\b.*"
    r"|(gesamt|gesamtsumme|gesamtergebnis|gesamtbetrag|gesamtwert|gesamtzahl|insgesamt|zusammen"
    r"|endsumme|zwischensumme|teilsumme|ensemble|razem|ogółem|łącznie|w sumie"
    r"|celkem|celkový součet|součet|spolu|súčet|összesen|végösszeg|kaikki yhteensä|yhteensä"
    r"|totalt|totalsumma|totalsum|i alt|ialt|ara toplam|ukupno|skupaj|kokku|kopā|iš viso|сума"
    r"|итого|всего|общий итог|итог|сумма|общо|разом|всього|σύνολο|γενικό σύνολο|סך הכל"
    r"|المجموع|الإجمالي|jumlah|tổng cộng|tổng|合計|小計|总计|合计|小计|總計|総計|합계|총계)\b.*",
    re.IGNORECASE,
)
_SUMMARIES = frozenset(
    {"average", "avg", "mean", "median", "min", "minimum", "max", "maximum", "std", "count", "all"}
    | {"balance", "opening balance", "closing balance", "saldo", "endsaldo", "anfangssaldo"}
    | {"durchschnitt", "mittelwert", "mittel", "moyenne", "media", "promedio", "gemiddelde"}
)
_NOTE = re.compile(
    r"(sources?|notes?|footnotes?|legend|remarks?|generated|created|updated|last updated?|as of"
    r"|quellen?|hinweise?|anmerkung(en)?|erstellt|stand|fuentes?|notas?|fontes?|nota|bron|noot"
    r"|źródło|uwagi?|zdroj|pozn\.?)\s*[:.].*|[*†‡¹²³©].*|\(?\d[\d,.]* (rows?|records?|zeilen)\b.*",
    re.IGNORECASE | re.DOTALL,
)
# What may stand in a number without being part of it.
_MARKS = re.compile(r"[\s\u00a0\u202f'\u2019$€£¥%_]")
_PLAIN = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_COMMAS_BETWEEN = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+),\d+")
# Sums of numbers with fractions differ by their rounding.
_TOLERANCE = 1e-6


def is_total(cell: str) -> bool:
    """Whether a text says that its row sums up others."""
    return _TOTAL.fullmatch(cell.strip().rstrip(":").strip()) is not None


def is_summary(cell: str) -> bool:
    """Whether a text says that its row is another summary of the others, such as their average."""
    return cell.strip().rstrip(":.").lower() in _SUMMARIES


def begins_a_note(cell: str) -> bool:
    """Whether a text says where a table comes from, or explains a mark in it."""
    return _NOTE.fullmatch(cell.strip()) is not None


def is_note_among(row: Sequence[str], above: Iterable[Sequence[str]]) -> bool:
    """Whether a row at the end with a value in each column is a note that a delimiter parts.

    ``Source: World Bank, 2024`` below names of countries and numbers is one.

    Args:
        above: The rows above it, or some of them; where one of them begins so, all are rows.
    """
    return _is_sentence(row) and not any(map(_is_sentence, above))


def _is_sentence(row: Sequence[str]) -> bool:
    return bool(row) and ": " in row[0].strip() and begins_a_note(row[0])


@lru_cache(maxsize=1 << 15)
def number_of(cell: str) -> float | None:
    """The number that a text most likely stands for, whatever its decimal mark; None if none."""
    # Asked of every cell of a file: most came before, are digits alone, or begin with a letter.
    if cell.isascii() and cell.isdigit():
        return float(cell)
    if cell[:1].isalpha():
        return None
    text = _MARKS.sub("", cell)
    if _PLAIN.fullmatch(text):
        return float(text)
    if _COMMAS_BETWEEN.fullmatch(text):
        return float(text.replace(",", ""))
    if _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return None


class Sums:
    """The sums of the columns of the rows that were added."""

    def __init__(self, width: int) -> None:
        self.of_columns: list[float] = [0.0] * width
        self.rows = 0

    def add(self, row: Sequence[str]) -> None:
        """Take a row into account; what is no number adds nothing."""
        self.rows += 1
        for index, cell in enumerate(row[: len(self.of_columns)]):
            if cell and (number := number_of(cell)) is not None:
                self.of_columns[index] += number

    def remove(self, row: Sequence[str]) -> None:
        """Take a row that was added out again."""
        self.rows -= 1
        for index, cell in enumerate(row[: len(self.of_columns)]):
            if cell and (number := number_of(cell)) is not None:
                self.of_columns[index] -= number

    def copy(self) -> Sums:
        """The sums as they are now."""
        other = Sums(0)
        other.of_columns, other.rows = list(self.of_columns), self.rows
        return other

    def match(self, row: Sequence[str]) -> bool:
        """Whether some number in a row is the sum of its column."""
        if self.rows < 1:
            return False
        numbers = [
            (number, self.of_columns[index])
            for index, cell in enumerate(row[: len(self.of_columns)])
            if (number := number_of(cell)) is not None
        ]
        return any(
            number != 0 and math.isclose(number, total, rel_tol=_TOLERANCE, abs_tol=1e-9)
            for number, total in numbers
        )


def total_in(row: Sequence[str]) -> bool:
    """Whether a row is called a total, in one of its first texts."""
    texts = (cell for cell in row if cell.strip() and number_of(cell) is None)
    return any(map(is_total, islice(texts, 2)))


def is_sum_of(row: Sequence[str], sums: Sums) -> bool:
    """Whether a row is called a total, and is the sum of the rows before it."""
    return total_in(row) and sums.match(row)


def like_the_rows(row: Sequence[str], rows: Sequence[Sequence[str]], sums: Sums) -> bool:
    """Whether a line at the end could be one of the rows: nothing in it says otherwise.

    Args:
        rows: The rows before it, or the last of them.
        sums: Those of all rows before it.
    """
    if not rows or len(row) != len(rows[-1]) or (sums.rows > 1 and sums.match(row)):
        return False
    first = next((cell for cell in row if cell.strip()), "")
    if not first or total_in(row) or is_summary(first) or begins_a_note(first):
        return False
    kinds = columns_of_values(rows, len(row))
    always = [all(each[i].strip() for each in rows if i < len(each)) for i in range(len(row))]
    lacks = any(filled and not cell.strip() for cell, filled in zip(row, always, strict=True))
    has_values = any(kind and cell.strip() for cell, kind in zip(row, kinds, strict=True))
    if lacks and not (row[0].strip() and has_values):
        # With a name and a number, a row that lacks what all others have is still one.
        return False
    return all(
        not kind or is_missing(cell) or looks_like_a_value(cell)
        for cell, kind in zip(row, kinds, strict=True)
    )
