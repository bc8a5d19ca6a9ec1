"""Delimited files as DuckDB reads them: one record a row, nothing above, below or between them."""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted, shortened
from dataflow.shared.step_progress import step_progress
from dataflow.sources.column_names import compared_name, distinct_names
from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.agreed_header import agreed_units
from dataflow.sources.file.footer import Sums, like_the_rows
from dataflow.sources.file.header import looks_like_a_value
from dataflow.sources.file.text_records import CrossedError
from dataflow.sources.file.unsaid_footer import last_rows, refuse_footer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dataflow.shared.contract import Contract
    from dataflow.sources.file.layout import Layout
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

# So many of the last rows are compared with the lines below them.
_ROWS_ABOVE = 50
Record = tuple[int, list[str]]


def plain_copy(
    file: LocalFile,
    layout: Layout,
    settings: FileSource,
    folder: Path,
    contract: Contract | None = None,
) -> tuple[LocalFile, list[str]]:
    """Copy the rows of a file, without what is no row, and say what was left out.

    Args:
        contract: What is agreed: with it a total that nobody spoke of is refused, and so are other
            units.

    Raises:
        SourceDataError: A row has more values than there are names, or fewer where the settings do
            not allow it; a quote is not closed; or the settings would leave out a row.
    """
    copy = folder / f"{file.path.name}.{len(list(folder.iterdir()))}.csv"
    rows = _Rows(file, layout, settings, contract)
    progress = step_progress()
    progress.begin("looking at the lines")
    with (
        file.path.open(encoding="utf-8-sig", newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        writer = csv.writer(target, lineterminator="\n")
        try:
            writer.writerows(progress.counting(rows.read(source)))
        except CrossedError as error:
            raise SourceDataError(
                f"{file.shown}, line {error.line + layout.skipped + 1:,}: a value stands across "
                "the border of two columns.",
                "Correct `ingestion.source.widths`, or that line.",
            ) from error
        except csv.Error as error:
            raise _misquoted(file, error) from error
        except UnicodeDecodeError as error:
            raise SourceDataError(
                f"{file.shown}: the file is not in UTF-8.",
                "Save it as UTF-8, or set `ingestion.source.encoding`, for example to cp1252.",
            ) from error
    return replace(file, path=copy), rows.notes


def _misquoted(file: LocalFile, error: csv.Error) -> SourceDataError:
    if "limit" in str(error):
        return SourceDataError(
            f"{file.shown}: a value is longer than 8 MiB.",
            "Look for a quotation mark that is never closed.",
        )
    return SourceDataError(
        f"{file.shown}: a quotation mark is opened and never closed, or a value goes on after it "
        f"({error}).",
        "Correct that line, or set `ingestion.source.quote` (`''` where quotes mean nothing).",
    )


class _Rows:
    """The rows of one file."""

    def __init__(
        self, file: LocalFile, layout: Layout, settings: FileSource, contract: Contract | None
    ) -> None:
        self.file, self.layout, self.settings = file, layout, settings
        self._agreed = contract is not None
        self._units = agreed_units(contract)
        self.notes: list[str] = []
        self._sums = Sums(len(layout.names))
        self._above: deque[list[str]] = deque(maxlen=_ROWS_ABOVE)

    def read(self, lines: Iterator[str]) -> Iterator[list[str]]:
        skipped = self.layout.skipped
        for _ in islice(lines, skipped):
            pass
        commented: list[str] = []
        if self._agreed and self.settings.comment:
            lines = self._watched(lines, self.settings.comment, commented)
        records = self.layout.dialect.records(lines)
        heads = [record for _, record in islice(records, self.layout.header_rows)]
        commented.clear()
        for number in range(self.layout.below):
            row = next(records, (0, []))[1]
            check_units(self.file, row)
            if self.settings.units_row and not number:
                check_agreed_units(self.file, self.layout.names, row, self._units)
        most = self.settings.footer_lines or 0
        held: deque[Record] = deque()
        filled = repeated = 0
        skips = self.settings.repeated_headers == "skip" and heads
        for record in records:
            held.append(record)
            if len(held) <= most:
                continue
            number, row = held.popleft()
            if skips and _alike(row, heads[-1]):
                repeated += 1
                continue
            filled += len(row) < len(self.layout.names)
            row = self._whole(number + skipped, row)
            if most:
                self._above.append(row)
                self._sums.add(row)
            yield row
        self.notes += check_footer(
            self.file, list(self._above), [row for _, row in held], self._sums
        )
        if self._agreed and most:
            refuse_footer(self.file, last_rows(list(self._above), self._sums), most)
        if commented:
            self.notes.append(
                f"{self.file.shown}: lines left out as comments that look like rows: "
                f"{len(commented):,}, the first is {quoted(commented[0])}. If they are rows, take "
                "`comment` out of `ingestion.source`."
            )
        if filled:
            self.notes.append(
                f"{self.file.shown}: lines with fewer values than there are names: {filled:,}; "
                "what lacks is null."
            )
        if repeated:
            self.notes.append(
                f"{self.file.shown}: lines that repeat the header, left out: {repeated:,}."
            )

    def _watched(self, lines: Iterator[str], mark: str, found: list[str]) -> Iterator[str]:
        """The lines; comments that have as many values as there are names are found on the way."""
        width, dialect = len(self.layout.names), replace(self.layout.dialect, comment="")
        for line in lines:
            bare = line.strip()
            # Sentences follow a blank, and may have delimiters in them.
            if width > 1 and bare.startswith(mark) and not bare[len(mark) :][:1].isspace():
                cells = next((row for _, row in dialect.records([bare], strict=False)), [])
                found += [bare] if len(cells) == width else []
            yield line

    def _whole(self, number: int, row: list[str]) -> list[str]:
        """A row with as many values as there are names."""
        names = len(self.layout.names)
        if len(row) == names:
            return row
        if len(row) > names and not any(cell.strip() for cell in row[names:]):
            return row[:names]
        if len(row) < names and self.settings.short_rows == "fill":
            return row + [""] * (names - len(row))
        advice = "Correct that line (a value with the delimiter in it needs quotes)"
        if len(row) < names:
            advice += ", or set `ingestion.source.short_rows: fill` to read null for what lacks"
        raise SourceDataError(
            f"{self.file.shown}, line {number + 1:,}: there are {len(row)} values, and the header "
            f"names {names} columns.",
            f"{advice}, or set `ingestion.source.delimiter`.",
        )


def check_units(file: LocalFile, row: Sequence[str]) -> None:
    """Refuse to take a record for units that holds values.

    Raises:
        SourceDataError: It does.
    """
    if any(looks_like_a_value(cell) and cell.strip() != "1" for cell in row):
        raise SourceDataError(
            f"{file.shown}: a line below the header holds values, not units or kinds: "
            f"{quoted(_line(row))}.",
            "Take `units_row` or `kinds_row` out of `ingestion.source`, or correct the file.",
        )


def check_agreed_units(
    file: LocalFile, names: Sequence[str], row: Sequence[str], agreed: Mapping[str, str]
) -> None:
    """Refuse units that are other than those that the contract has, or no units at all.

    Args:
        names: The names of the columns.
        row: The record below them.
        agreed: See `agreed_units`.

    Raises:
        SourceDataError: They are.
    """
    own = map(compared_name, distinct_names(names)[0])
    came = dict(zip(own, map(str.strip, row), strict=False))
    known = {name: unit for name, unit in agreed.items() if name in came}
    if known and not any(came[name] for name in known):
        raise SourceDataError(
            f"{file.shown}: the line below the header has none of the units that the contract "
            f"names, and would be left out: {quoted(_line(row))}.",
            "Take `units_row` out of `ingestion.source` if there is none any more, or correct the "
            "file.",
        )
    for name, unit in known.items():
        if came[name] not in ("", unit):
            raise SourceDataError(
                f"{file.shown}: the unit of {quoted(name)} is {quoted(came[name])}, and "
                f"{quoted(unit)} in the contract. Nothing was loaded.",
                "Have the values in the agreed unit; or, if only its name is another, or earlier "
                f"rows are loaded anew, correct `unit` of {quoted(name)} in `ingestion.columns`.",
            )


def check_footer(
    file: LocalFile,
    above: Sequence[Sequence[str]],
    rows: Sequence[Sequence[str]],
    sums: Sums | None = None,
) -> list[str]:
    """Say what is left out at the end of a table.

    Args:
        above: The rows, or the last of them.
        rows: The records that are left out.
        sums: Those of all rows; None to add up those above.

    Raises:
        SourceDataError: One of them looks like a row.
    """
    if not rows:
        return []
    if sums is None:
        sums = Sums(len(rows[0]))
        for row in above:
            sums.add(row)
    for row in rows:
        if like_the_rows(row, above[-_ROWS_ABOVE:], sums):
            raise SourceDataError(
                f"{file.shown}: `footer_lines` would leave out a line that looks like the "
                f"rows above it: {quoted(_line(row))}.",
                "Correct `ingestion.source.footer_lines`, or the end of the file.",
            )
    shown = "; ".join(repr(shortened(_line(row))) for row in rows[:3])
    return [f"{file.shown}: left out at the end (`footer_lines: {len(rows)}`): {shown}."]


def _line(row: Sequence[str]) -> str:
    return ", ".join(row)


def _alike(row: Sequence[str], header: Sequence[str]) -> bool:
    return [cell.strip() for cell in row] == [cell.strip() for cell in header]
