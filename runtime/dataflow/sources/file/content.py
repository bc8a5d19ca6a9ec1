"""What a file is by its content, where its name does not say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.sources.file.encoding import unicode_of
from dataflow.sources.file.layout import is_table, lines_of, parted_by_blanks

if TYPE_CHECKING:
    from pathlib import Path

_START = 1 << 16
_MARKS = {b"PAR1": "parquet", b"ORC": "orc", b"ARROW1": "feather", b"FEA1": "feather"}


def format_of(path: Path) -> str | None:
    """The format of a file that is not compressed, or None if its beginning does not show it.

    Text counts as CSV only if every line from the header on has the same number of values, and
    more than one.
    """
    with path.open("rb") as file:
        start = file.read(_START)
    for mark, kind in _MARKS.items():
        if start.startswith(mark):
            return kind
    text = start.decode(unicode_of(path) or "utf-8-sig", errors="ignore").removeprefix("\ufeff")
    if "\0" in text:
        return None
    if text.lstrip().startswith(("{", "[")):
        # One object on each of several lines is JSON Lines, which this format reads too.
        return "json"
    lines = lines_of(text)
    lines = lines[:-1] if len(start) == _START else lines
    found = is_table("".join(lines))
    if found is None and parted_by_blanks("".join(lines)):
        return "csv"
    return None if found is None else "tsv" if found == "\t" else "csv"
