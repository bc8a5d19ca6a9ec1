"""What a file is by its content, where its name does not say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.drawn import is_framed, ruled_widths
from dataflow.sources.file.encoding import unicode_of
from dataflow.sources.file.layout import is_table, lines_of, parted_by_blanks

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.sources.local_file import LocalFile

_START = 1 << 16
_MARKS = {b"PAR1": "parquet", b"ORC": "orc", b"ARROW1": "feather", b"FEA1": "feather"}


# What some files are that are called as if they were tables.
_OTHERS = (
    (b"%PDF-", "a PDF document", "Get its tables as CSV or as a spreadsheet."),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "Set `ingestion.source.format: excel`."),
    (b"PAR1", "a Parquet file", "Set `ingestion.source.format: parquet`."),
    (b"SQLite format 3", "an SQLite database", "Read it with a source of type database."),
    (b"\x89PNG", "a picture", "Get the data itself."),
)
_HTML = re.compile(r"\s*(<\?xml[^>]*>)?\s*<(!doctype html|html|table)\b", re.IGNORECASE)
_JSON = re.compile(r"\s*(\[\s*)?\{\s*(\"|\})")


def refuse_other_content(file: LocalFile) -> None:
    """Refuse a file of delimited text whose beginning shows that it is something else.

    Raises:
        SourceDataError: It is a web page, JSON or no text at all.
    """
    with file.path.open("rb") as stream:
        start = stream.read(_START)
    for mark, called, instruction in _OTHERS:
        if start.startswith(mark):
            raise SourceDataError(f"{file.shown} is {called}, not a text file.", instruction)
    text = start.decode("utf-8-sig", errors="replace")
    if _HTML.match(text):
        raise SourceDataError(
            f"{file.shown} is a web page (HTML), not a table.",
            "Look at it in a browser: it may say why, or link to the file itself.",
        )
    if _JSON.match(text):
        raise SourceDataError(
            f"{file.shown} holds JSON, whatever its name says.",
            "Set `ingestion.source.format: json`.",
        )


def text_instead(path: Path) -> tuple[str, str] | None:
    """What a file that is called a spreadsheet is, if it is text, and what to do about it."""
    with path.open("rb") as stream:
        start = stream.read(_START)
    encoding = unicode_of(path)
    if not start or (b"\0" in start and encoding is None):
        return None
    if _HTML.match(start.decode(encoding or "utf-8-sig", errors="replace")):
        return "it is a web page (HTML)", "Open it in a spreadsheet program and save it as .xlsx."
    return "it is text", "Set `ingestion.source.format: csv`, or save it as .xlsx."


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
    if is_framed(lines) or ruled_widths(lines):
        return "csv"
    if found is None and parted_by_blanks("".join(lines)):
        return "csv"
    return None if found is None else "tsv" if found == "\t" else "csv"
