"""What a file is by its content, where its name does not say it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_START = 1 << 16
_DELIMITERS = ",;\t|"


def format_of(path: Path) -> str | None:
    """The format of a file that is not compressed, or None if its beginning does not show it.

    Text counts as CSV only if every line of its beginning has the same number of values, and more
    than one.
    """
    with path.open("rb") as file:
        start = file.read(_START)
    if start.startswith(b"PAR1"):
        return "parquet"
    text = start.decode("utf-8-sig", errors="ignore")
    if "\0" in text:
        return None
    if text.lstrip().startswith(("{", "[")):
        # One object on each of several lines is JSON Lines, which this format reads too.
        return "json"
    lines = text.splitlines(keepends=True)
    lines = lines[:-1] if len(start) == _START else lines
    found = [delimiter for delimiter in _DELIMITERS if _is_table(lines, delimiter)]
    if not found:
        return None
    return "tsv" if found[0] == "\t" else "csv"


def _is_table(lines: list[str], delimiter: str) -> bool:
    try:
        records = list(csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter))
    except csv.Error:
        return False
    widths = {len(record) for record in records if record}
    return len(records) > 1 and len(widths) == 1 and widths != {1}
