"""Cells of a workbook that its reader gives as empty, and that are not.

They hold an error, such as #DIV/0!, or a formula that no program has computed yet.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import unescape

if TYPE_CHECKING:
    from pathlib import Path

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", _MAIN[1:-1].encode()),
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships", _RELATION[1:-3].encode()),
)
# What a formula gave stands behind it; an empty text, as a computed one may be, has a type.
_UNCOMPUTED = re.compile(
    rb'<c r="([A-Z]+)(\d+)"(?![^>]*\bt=)[^>]*>\s*<f(?:/>|[^>]*/>|[^>]*>([^<]*)</f>)\s*'
    rb"(?:<v\s*/>|<v></v>)?\s*</c>"
)
_PLACE = re.compile(r"([A-Z]+)(\d+)")


def error_cells(path: Path, sheet: str) -> dict[tuple[int, int], str] | None:
    """What the errors and uncomputed formulas in a sheet of an .xlsx or .xlsm file show.

    By row and column, counted from 0; a formula begins with ``=``.

    None for other kinds of files, whose errors cannot be told from empty cells.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            part = _part_of(archive, sheet)
            if part is None:
                return None
            text = archive.read(part)
    except (zipfile.BadZipFile, KeyError, ET.ParseError, OSError):
        return None
    found = {
        (int(row) - 1, _column(letters.decode())): f"={unescape(formula.decode(errors='replace'))}"
        for letters, row, formula in _UNCOMPUTED.findall(text)
    }
    if b't="e"' not in text and b"t='e'" not in text:
        return found
    for cell in ET.fromstring(_usual(text)).iter(f"{_MAIN}c"):  # noqa: S314  (read by calamine too)
        place = _PLACE.fullmatch(cell.get("r") or "")
        if cell.get("t") == "e" and place:
            found[int(place[2]) - 1, _column(place[1])] = cell.findtext(f"{_MAIN}v") or "#ERROR!"
    return found


def cell_name(row: int, column: int) -> str:
    """What a spreadsheet program calls a cell: ``B2`` is the second of the second row.

    >>> cell_name(1, 27)
    'AB2'
    """
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row + 1}"


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _usual(text: bytes) -> bytes:
    for strict, usual in _STRICT:
        text = text.replace(strict, usual)
    return text


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name of the file in a workbook that holds a sheet."""
    book = ET.fromstring(_usual(archive.read("xl/workbook.xml")))  # noqa: S314
    wanted = next(
        (each.get(_RELATION) for each in book.iter(f"{_MAIN}sheet") if each.get("name") == sheet),
        None,
    )
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    for relation in relations:
        if relation.get("Id") == wanted and (target := relation.get("Target")):
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None
