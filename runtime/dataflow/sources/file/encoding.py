"""Text files in the one encoding and with the line ends that DuckDB reads."""

from __future__ import annotations

import codecs
import mmap
from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError, SourceSettingError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.sources.local_file import LocalFile

# The longer ones first: that of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_START = 1 << 12
# Names and delimiters of the shortest table have more.
_FEWEST_ZEROS = 4
_CHUNK = 1 << 20


def unicode_of(path: Path) -> str | None:
    """The encoding of Unicode that a file's first bytes tell: by its mark, or by where zeros are.

    In UTF-16 every other byte of most texts with a table's delimiters is zero; in UTF-8 none is.
    None if they tell nothing.
    """
    with path.open("rb") as stream:
        start = stream.read(_START)
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    pairs = len(start) // 2
    if pairs < 2:
        return None
    even, odd = start[0 : 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    zeros = max(odd, even)
    if min(odd, even) or zeros < _FEWEST_ZEROS or zeros * 20 < pairs:
        return None
    found = "utf-16-le" if odd else "utf-16-be"
    text = start[: 2 * pairs].decode(found, errors="replace")
    # A stray zero in another encoding makes no line ends, and few zeros.
    ends = text.count("\n") or text.count("\r")
    return found if ends * 200 >= pairs or zeros * 3 >= pairs else None


def as_utf8(file: LocalFile, encoding: str | None, folder: Path) -> LocalFile:
    """The file in UTF-8, without marks in the way: itself, or a copy in ``folder``.

    ``encoding`` is any that Python knows; None stands for UTF-8, or what the file's first bytes
    tell: UTF-16 or UTF-32.
    """
    found = encoding or unicode_of(file.path) or "utf-8"
    try:
        known = codecs.lookup(found).name
        "".encode(known)
    except LookupError:
        raise SourceSettingError(
            f"There is no encoding {quoted(found)}.",
            "Set `ingestion.source.encoding` to one like utf-8, latin-1, cp1252 or utf-16.",
        ) from None
    if known in ("utf-8", "utf-8-sig"):
        return _without_marks(file, folder)
    try:
        return _copied(file, found, folder, newline="")
    except UnicodeError as error:
        raise SourceDataError(
            f"{file.shown} is not {found}: {error}.", "Correct `ingestion.source.encoding`."
        ) from error


def encoding_of_today(path: Path, encoding: str | None) -> str:
    """The encoding of Unicode that a file is in, though it is said to be in another one.

    Marks and zeros tell UTF-16 and UTF-32. Letters in an encoding of one byte for each make up
    UTF-8 only where they were written in it, and no UTF-16 does. Empty if it is as said.
    """
    try:
        said = codecs.lookup(encoding or "utf-8").name
    except LookupError:
        return ""
    found = unicode_of(path)
    if encoding is None or found is not None:
        order = "-be" if _begins_with(path, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE) else "-le"
        as_said = encoding is None or said in (found, f"{found}{order}")
        return "" if as_said or found is None else found
    wide = said.startswith(("utf-16", "utf-32"))
    narrow = len("\u00e9".encode().decode(said, errors="replace")) == 2
    if not wide and (said.startswith("utf") or not narrow):
        return ""
    letters = wide
    try:
        with path.open(encoding="utf-8") as source:
            while chunk := source.read(_CHUNK):
                letters = letters or not chunk.isascii()
                if wide and "\0" in chunk:
                    return ""
    except UnicodeError:
        return ""
    return "utf-8" if letters else ""


def _begins_with(path: Path, *marks: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(4).startswith(marks)


def _without_marks(file: LocalFile, folder: Path) -> LocalFile:
    """A copy without the marks at the beginning of lines, where such marks are in the way.

    DuckDB takes JSON with a mark for something else. Files that were put together have marks
    between their lines.
    """
    with file.path.open("rb") as stream:
        start = stream.read(2 * len(codecs.BOM_UTF8))
    if not start.startswith(codecs.BOM_UTF8):
        return file
    twice = start == 2 * codecs.BOM_UTF8
    if file.format in ("csv", "tsv") and not twice and not _has_inner_mark(file.path):
        return file
    copy = folder / f"{file.path.name}.{len(list(folder.iterdir()))}.text"
    with file.path.open("rb") as stream, copy.open("wb") as target:
        target.writelines(map(_unmarked, stream))
    return replace(file, path=copy)


def _unmarked(line: bytes) -> bytes:
    while line.startswith(codecs.BOM_UTF8):
        line = line.removeprefix(codecs.BOM_UTF8)
    return line


def _has_inner_mark(path: Path) -> bool:
    """Whether a line that is not the first one begins with the mark of UTF-8."""
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return content.find(b"\n" + codecs.BOM_UTF8) >= 0


def with_plain_line_ends(file: LocalFile, folder: Path) -> LocalFile:
    r"""A copy in which every line ends in ``\n``, for files that mix line ends."""
    return _copied(file, "utf-8", folder, newline=None)


def _copied(file: LocalFile, encoding: str, folder: Path, newline: str | None) -> LocalFile:
    copy = folder / f"{file.path.name}.{len(list(folder.iterdir()))}.text"
    with (
        file.path.open(encoding=encoding, newline=newline) as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        first = True
        while chunk := source.read(_CHUNK):
            # Encodings with their byte order in the name keep the mark.
            target.write(chunk.removeprefix("\ufeff") if first else chunk)
            first = False
    return replace(file, path=copy)
