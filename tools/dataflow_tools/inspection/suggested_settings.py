"""Settings that a file source needs and nobody gave, as its files tell them.

They are found out once, when a workflow starts from data. From then on they stand in config.yaml,
where a person sees them, and a run guesses nothing.
"""

from __future__ import annotations

import codecs
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.sources.file.location import FORMATS
from dataflow.sources.file.reader import TEXT_FORMATS
from dataflow.sources.file.unpack import inner_name
from dataflow.sources.records import lists_of_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

# What programs write in the Americas and Western Europe when they do not write UTF-8.
_OTHER_ENCODING = "cp1252"
# Larger JSON documents are not looked into for the list of their records.
_LARGEST_DOCUMENT = 256 << 20
_CHUNK = 1 << 20
_MOST_SHEETS = 8


def suggest_settings(
    files: Sequence[LocalFile], given: FileSource
) -> tuple[dict[str, Any], list[str]]:
    """Settings for a file source, beside those that were given.

    Returns:
        ``format``, ``encoding``, ``sheet`` or ``data_path``, where one is needed, and what a
        person should know about each.

    Raises:
        MissingDependencyError: The library that reads spreadsheets is not installed.
        SourceError: A file cannot be read.
    """
    settings: dict[str, Any] = {}
    notes: list[str] = []
    for name, value, note in _proposals(files, given):
        if getattr(given, name) is None:
            if value is not None:
                settings[name] = value
            notes.append(note)
    return settings, notes


def _proposals(
    files: Sequence[LocalFile], given: FileSource
) -> Iterator[tuple[str, str | None, str]]:
    file = files[0]
    # What is in a zip file has a name of its own.
    tells = Path(inner_name(file.shown)).suffix.lower() in FORMATS or file.shown.endswith(".zip")
    if not tells:
        note = f"The name does not tell the format; by its content it is {file.format}."
        yield "format", file.format, note
    if file.format in TEXT_FORMATS:
        if not all(map(_is_unicode, files)):
            note = (
                f"The text is not UTF-8 and is read as {_OTHER_ENCODING} (Western European). If "
                f"letters look wrong: {_option('encoding', 'iso8859-2')}"
            )
            yield "encoding", _OTHER_ENCODING, note
    elif file.format == "excel":
        yield from _sheet(file)
    if file.format == "json" and len(files) == 1 and given.data_path is None:
        yield from _data_path(file)


def _option(name: str, value: str) -> str:
    """What to add to the command for another value."""
    settings = yaml.safe_dump({name: value}, default_flow_style=True, allow_unicode=True).strip()
    return f"-d source_settings={shlex.quote(settings)}"


def _is_unicode(file: LocalFile) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.path.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return True
        stream.seek(0)
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _sheet(file: LocalFile) -> Iterator[tuple[str, str | None, str]]:
    from dataflow.sources.file.spreadsheet import sheet_names

    names = sheet_names(file)
    if len(names) > 1:
        others = ", ".join(map(repr, names[1 : _MOST_SHEETS + 1]))
        more = f" and {len(names) - 1 - _MOST_SHEETS} more" if len(names) > _MOST_SHEETS + 1 else ""
        note = (
            f"Only the sheet {names[0]!r} is read; there are also {others}{more}. For another: "
            f"{_option('sheet', names[1])}"
        )
        yield "sheet", names[0], note


def _data_path(file: LocalFile) -> Iterator[tuple[str, str | None, str]]:
    if file.path.stat().st_size > _LARGEST_DOCUMENT:
        return
    try:
        found = lists_of_records(json.loads(file.path.read_bytes()))
    except ValueError:
        # JSON Lines, or what the reader will say more about.
        return
    if len(found) == 1:
        ((path, number),) = found.items()
        note = f"The file is one object; the {number:,} objects in {path!r} are its rows."
        yield "data_path", path, note
    elif found:
        listed = ", ".join(f"{path!r} ({number:,})" for path, number in found.items())
        note = (
            f"The file is one object, and one row. It has several lists of objects: {listed}; to "
            f"read one of them: {_option('data_path', next(iter(found)))}"
        )
        yield "data_path", None, note
