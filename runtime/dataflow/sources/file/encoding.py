"""Text files in the one encoding and with the line ends that DuckDB reads."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import TYPE_CHECKING

from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceDataError, SourceSettingError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.sources.local_file import LocalFile

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHUNK = 1 << 20


def as_utf8(file: LocalFile, encoding: str | None, folder: Path) -> LocalFile:
    """The file in UTF-8: itself, or a copy in ``folder`` if it is in another encoding.

    ``encoding`` is any that Python knows; None stands for UTF-8, or UTF-16 with its mark.
    """
    with file.path.open("rb") as stream:
        start = stream.read(2)
    found = encoding or _MARKS.get(start, "utf-8")
    try:
        known = codecs.lookup(found).name
    except LookupError:
        raise SourceSettingError(
            f"There is no encoding {quoted(found)}.",
            "Set `ingestion.source.encoding` to one like utf-8, latin-1, cp1252 or utf-16.",
        ) from None
    if known == "utf-8":
        return file
    try:
        return _copied(file, found, folder, newline="")
    except UnicodeError as error:
        raise SourceDataError(
            f"{file.shown} is not {found}: {error}.", "Correct `ingestion.source.encoding`."
        ) from error


def with_plain_line_ends(file: LocalFile, folder: Path) -> LocalFile:
    r"""A copy in which every line ends in ``\n``, for files that mix line ends."""
    return _copied(file, "utf-8", folder, newline=None)


def _copied(file: LocalFile, encoding: str, folder: Path, newline: str | None) -> LocalFile:
    copy = folder / f"{file.path.name}.{len(list(folder.iterdir()))}.text"
    with (
        file.path.open(encoding=encoding, newline=newline) as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    return replace(file, path=copy)
