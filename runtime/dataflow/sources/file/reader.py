"""File sources: from their settings to one table."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.sources.errors import SourceSettingError
from dataflow.sources.file.encoding import as_utf8, encoding_of_today
from dataflow.sources.file.location import fetch_files
from dataflow.sources.file.settings import FileSource
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind, shown_location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.config_model import Parameters
    from dataflow.shared.contract import Contract
    from dataflow.sources.inference import TypedTable
    from dataflow.sources.local_file import LocalFile

TEXT_FORMATS = ("csv", "tsv", "json", "jsonl", "geojson")
TYPED_FORMATS = ("parquet", "orc", "feather")


def read_file(settings: FileSource, request: ReadRequest) -> Extracted:
    """Read all of the files that ``url`` names.

    Raises:
        SourceError: A file is missing, out of reach or not what it should be.
        SourceSettingError: A setting says something that cannot be done.
    """
    with fetched_files(settings, request.parameters) as files:
        typed = files.read(settings, request.contract)
        declared = files.found[0].format in TYPED_FORMATS
    return Extracted(
        typed.table,
        shown_location(settings.url),
        typed.notes,
        conformed=typed.conformed,
        declared=declared,
    )


KIND = SourceKind(FileSource, read_file)


@dataclass(frozen=True)
class FetchedFiles:
    """The files of a source on this machine, all of one format, and a folder for what they need."""

    found: list[LocalFile]
    folder: Path

    def read(self, settings: FileSource, contract: Contract | None = None) -> TypedTable:
        """Read them as one table; ``url`` and ``format`` have done their work already."""
        texts = [file for file in self.found if file.format in TEXT_FORMATS]
        today = {
            file.shown: found
            for file in texts
            if (found := encoding_of_today(file.path, settings.encoding))
        }
        files = [
            as_utf8(file, today.get(file.shown, settings.encoding), self.folder)
            if file.format in TEXT_FORMATS
            else file
            for file in self.found
        ]
        typed = self._read(files, settings, contract)
        told = [
            f"{shown} is {found.upper()}, and is read so, though `encoding` says "
            f"{settings.encoding}."
            for shown, found in today.items()
        ]
        return replace(typed, notes=[*told, *typed.notes])

    def _read(
        self, files: list[LocalFile], settings: FileSource, contract: Contract | None
    ) -> TypedTable:
        file_format = files[0].format
        if file_format in ("csv", "tsv"):
            from dataflow.sources.file.delimited import read_delimited

            return read_delimited(files, self.folder, settings, contract)
        if file_format == "geojson":
            from dataflow.sources.file.features import read_features

            return read_features(files, self.folder, settings.null_values, contract)
        if file_format == "excel":
            from dataflow.sources.file.spreadsheet import read_spreadsheets

            return read_spreadsheets(files, settings, contract)
        if file_format in TYPED_FORMATS:
            from dataflow.sources.file.arrow_file import read_arrow_files, read_parquet

            if file_format == "parquet":
                return read_parquet(files, settings, contract)
            return read_arrow_files(files, settings, contract)
        from dataflow.sources.file.json_file import read_json_files

        return read_json_files(files, self.folder, settings, contract)


@contextmanager
def fetched_files(settings: FileSource, parameters: Parameters) -> Iterator[FetchedFiles]:
    """Bring a source's files onto this machine, to be read as often as wanted."""
    with tempfile.TemporaryDirectory(prefix="dataflow-") as name:
        folder = Path(name)
        found = fetch_files(settings.url, settings.format, parameters, folder)
        yield FetchedFiles(_of_one_format(found, settings), folder)


def _of_one_format(files: list[LocalFile], settings: FileSource) -> list[LocalFile]:
    if settings.format is None and {file.format for file in files} == {"json"}:
        from dataflow.sources.file.features import is_feature_collection

        if all(is_feature_collection(file.path) for file in files):
            files = [replace(file, format="geojson") for file in files]
    formats = {file.format: file.shown for file in files}
    if len(formats) > 1:
        listed = ", ".join(f"{kind} ({shown})" for kind, shown in formats.items())
        raise SourceSettingError(
            f"{shown_location(settings.url)} names files of several formats: {listed}.",
            "Name files of one format, or set `ingestion.source.format`.",
        )
    return files
