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

from dataflow.sources.errors import SourceDataError
from dataflow.sources.file.encoding import as_utf8, unicode_of
from dataflow.sources.file.last_line import has_final_newline
from dataflow.sources.file.location import FORMATS
from dataflow.sources.file.reader import TEXT_FORMATS
from dataflow.sources.file.unpack import inner_name
from dataflow.sources.record_map import is_map_of_records, key_column
from dataflow.sources.records import lists_of_records, parted
from dataflow_tools.inspection.encoding_guess import encoded_twice, guess_encoding, is_utf8
from dataflow_tools.inspection.json_shape import refuse_cube, shape_of
from dataflow_tools.inspection.table_settings import (
    TableSettings,
    common,
    settings_of_sheet,
    settings_of_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.local_file import LocalFile

Proposal = tuple[str, str | None, str]
_MOST_FILES = 20
# Larger JSON documents are not looked into for the list of their records.
_LARGEST_DOCUMENT = 256 << 20
_MOST_SHEETS = 8
_FIRST_ROWS = 100


def suggest_settings(files: Sequence[LocalFile], given: FileSource, folder: Path) -> TableSettings:
    """Settings for a file source, beside those that were given.

    Args:
        folder: Where copies of files may be kept.

    Returns:
        The settings that are needed, and what a person should know about each.

    Raises:
        MissingDependencyError: The library that reads spreadsheets is not installed.
        SourceError: A file cannot be read.
    """
    found = TableSettings()
    for name, value, note in _proposals(files, given):
        if getattr(given, name) is None:
            found.add(name, value, note)
    now = given.model_copy(update=found.settings)
    file_format = files[0].format
    if file_format in ("csv", "tsv"):
        texts = [as_utf8(file, now.encoding, folder) for file in files[:_MOST_FILES]]
        if given.final_newline is None and not any(has_final_newline(each.path) for each in texts):
            found.add("final_newline", value=False, note="")
        table = common(settings_of_text(file, now) for file in texts)
    elif file_format == "excel":
        table = common(settings_of_sheet(file, now) for file in files[:_MOST_FILES])
    else:
        return found
    settings = {
        name: value for name, value in table.settings.items() if getattr(given, name) is None
    }
    return TableSettings(found.settings | settings, found.notes + table.notes, table.units)


def _proposals(files: Sequence[LocalFile], given: FileSource) -> Iterator[Proposal]:
    file = files[0]
    # What is in a zip file has a name of its own.
    tells = Path(inner_name(file.shown)).suffix.lower() in FORMATS or file.shown.endswith(".zip")
    if not tells:
        note = f"The name does not tell the format; by its content it is {file.format}."
        yield "format", file.format, note
    if file.format in TEXT_FORMATS:
        yield from _encoding(files)
    elif file.format == "excel":
        yield from _sheet(file)
    if file.format == "json" and len(files) == 1 and given.data_path is None:
        yield from _data_path(file, given)


def _option(name: str, value: str) -> str:
    """What to add to the command for another value."""
    settings = yaml.safe_dump({name: value}, default_flow_style=True, allow_unicode=True).strip()
    return f"-d source_settings={shlex.quote(settings)}"


def _encoding(files: Sequence[LocalFile]) -> Iterator[Proposal]:
    other = next((file for file in files if not is_utf8(file.path)), None)
    if other is None:
        if word := next(filter(None, (encoded_twice(file.path) for file in files)), ""):
            note = f"Text such as {word[:40]!r} was turned into UTF-8 twice, and is read as it is."
            yield "encoding", None, note
        return
    if found := unicode_of(other.path):
        if not found.endswith(("16", "32")):
            yield "encoding", found, f"By its zeros the text is {found}, without its mark."
        return
    guess = guess_encoding(other)
    note = f"The text is not UTF-8 and is read as {guess.encoding} ({guess.language})."
    if guess.rivals:
        shown = "; ".join(
            f"{_option('encoding', name)} for {text!r}" for name, text in guess.rivals
        )
        note += f" It has {guess.sample!r}. If that looks wrong: {shown}"
    yield "encoding", guess.encoding, note


def _sheet(file: LocalFile) -> Iterator[Proposal]:
    from dataflow.sources.file.spreadsheet import sheet_names, visible_sheets

    visible = visible_sheets(file)
    everything = sheet_names(file)
    names = visible + [name for name in everything if name not in visible]
    # A cover has text in one column.
    table = next((name for name in visible if len(visible) > 1 and _has_table(file, name)), None)
    if table is not None:
        names.remove(table)
        names.insert(0, table)
    if len(names) > 1:
        others = ", ".join(map(repr, names[1 : _MOST_SHEETS + 1]))
        more = f" and {len(names) - 1 - _MOST_SHEETS} more" if len(names) > _MOST_SHEETS + 1 else ""
        note = (
            f"Only the sheet {names[0]!r} is read; there are also {others}{more}. For another: "
            f"{_option('sheet', names[1])}"
        )
        yield "sheet", names[0], note


def _has_table(file: LocalFile, name: str) -> bool:
    from dataflow.sources.file.spreadsheet import sheet_of

    try:
        texts = sheet_of(file, name).texts()
    except SourceDataError:
        return False
    return sum(1 for row in texts[:_FIRST_ROWS] if sum(map(bool, row)) > 1) > 1


def _data_path(file: LocalFile, given: FileSource) -> Iterator[Proposal]:
    if file.path.stat().st_size > _LARGEST_DOCUMENT:
        return
    try:
        document = parted(json.loads(file.path.read_bytes().removeprefix(codecs.BOM_UTF8)))
    except ValueError:
        # JSON Lines, or what the reader will say more about.
        return
    refuse_cube(document)
    found = lists_of_records(document)
    settings, told = shape_of(document) if given.records is None else ({}, "")
    if told:
        for name, value in settings.items():
            yield name, value, ""
        yield "records", None, told
        return
    if not found and given.records is None:
        yield from _map(document)
    if len(found) == 1:
        ((path, number),) = found.items()
        note = f"The file holds more than rows: they are the {number:,} objects in {path!r}."
        yield "data_path", path, note
    elif found:
        listed = ", ".join(f"{path!r} ({number:,})" for path, number in found.items())
        note = (
            f"The file is one object, and one row. It has several lists of objects: {listed}; to "
            f"read one of them: {_option('data_path', next(iter(found)))}"
        )
        yield "data_path", None, note


def _map(document: Any) -> Iterator[Proposal]:
    """A document, or an object in it, with one record for each key."""
    if is_map_of_records(document):
        path, records = None, document
    else:
        inner = document if isinstance(document, dict) else {}
        maps = {key: value for key, value in inner.items() if is_map_of_records(value)}
        if len(maps) != 1:
            return
        ((path, records),) = maps.items()
    first = next(iter(records))
    where = f"in {path!r} " if path else ""
    note = (
        f"The file looks like one record {where}for each of {len(records):,} keys, such as "
        f"{first[:40]!r}; they are its rows (`records: map`), with the key as "
        f"{key_column(records)!r}."
    )
    if path:
        yield "data_path", path, ""
    yield "records", "map", note
