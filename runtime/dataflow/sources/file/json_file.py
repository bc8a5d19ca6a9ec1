"""JSON files: lists of records, maps of records, and several documents after one another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.sources.documents import NotObjectsError, read_documents
from dataflow.sources.errors import SourceDataError
from dataflow.sources.record_map import note_on_map
from dataflow.sources.records import JsonLines, extract_records, read_json
from dataflow.sources.value_rows import SHAPES, shaped_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dataflow.shared.contract import Contract
    from dataflow.sources.file.settings import FileSource
    from dataflow.sources.inference import TypedTable
    from dataflow.sources.local_file import LocalFile

# Larger documents are not looked into for what they could be beside what they are read as.
_LARGEST_LOOK = 64 << 20


def read_json_files(
    files: Sequence[LocalFile],
    folder: Path,
    settings: FileSource,
    contract: Contract | None = None,
) -> TypedTable:
    """Read JSON or JSON Lines files as one table.

    Raises:
        SourceDataError: A file is not JSON, or does not hold objects where rows should be.
    """
    nulls = settings.null_values
    if settings.records in SHAPES:
        files = [
            _lines(file, folder, number, _shaped(file, settings))
            for number, file in enumerate(files)
        ]
    elif settings.data_path:
        files = extract_records(files, settings.data_path, folder)
    lines = files[0].format == "jsonl"
    try:
        typed = read_documents(files, nulls, lines=lines, contract=contract)
    except NotObjectsError:
        several = [_several(file) for file in files]
        if lines or not all(several):
            raise
        files = [
            _lines(file, folder, number, records or [])
            for number, (file, records) in enumerate(zip(files, several, strict=True))
        ]
        typed = read_documents(files, nulls, lines=True, contract=contract)
    notes = [note for file in files if (note := _doubt(file, typed, settings))]
    return replace(typed, notes=[*typed.notes, *notes])


def _shaped(file: LocalFile, settings: FileSource) -> list[dict[str, Any]]:
    return shaped_records(
        read_json(file), str(settings.records), settings.data_path, settings.names_path, file.shown
    )


def _lines(file: LocalFile, folder: Path, number: int, records: list[dict[str, Any]]) -> LocalFile:
    lines = JsonLines(folder / f"rows-{number}.jsonl")
    lines.add(records)
    return replace(file, path=lines.path, format="jsonl")


def _several(file: LocalFile) -> list[dict[str, Any]] | None:
    """The records of several lists after one another; None if the file holds anything else."""
    text = file.path.read_text(encoding="utf-8", errors="replace")
    decoder = json.JSONDecoder()
    records: list[dict[str, Any]] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            document, position = decoder.raw_decode(text, position)
        except ValueError:
            return None
        part = document if isinstance(document, list) else [document]
        if not all(isinstance(record, dict) for record in part):
            return None
        records += part
    return records


def _doubt(file: LocalFile, typed: TypedTable, settings: FileSource) -> str | None:
    """What may be meant by a file that was read as one row."""
    import pyarrow as pa

    if settings.records is not None or file.format != "json" or typed.table.num_rows != 1:
        return None
    nested = all(pa.types.is_struct(field.type) for field in typed.table.schema)
    if not nested or file.path.stat().st_size > _LARGEST_LOOK:
        return None
    try:
        return note_on_map(read_json(file), file.shown)
    except SourceDataError:
        return None
