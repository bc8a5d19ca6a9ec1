"""File sources: from their settings to one table."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.file.encoding import as_utf8
from dataflow.sources.file.location import fetch_files
from dataflow.sources.file.settings import FileSource
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind, shown_location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.shared.config_model import Parameters
    from dataflow.shared.contract import Contract
    from dataflow.sources.inference import TypedTable
    from dataflow.sources.local_file import LocalFile

TEXT_FORMATS = ("csv", "tsv", "json", "jsonl", "geojson")


def read_file(settings: FileSource, request: ReadRequest) -> Extracted:
    """Read all of the files that ``url`` names.

    Raises:
        SourceError: A file is missing, out of reach or not what it should be.
        SourceSettingError: A setting says something that cannot be done.
    """
    with fetched_files(settings, request.parameters) as files:
        typed = files.read(settings, request.contract)
    return Extracted(
        typed.table, shown_location(settings.url), typed.notes, conformed=typed.conformed
    )


KIND = SourceKind(FileSource, read_file)


@dataclass(frozen=True)
class FetchedFiles:
    """The files of a source on this machine, all of one format, and a folder for what they need."""

    found: list[LocalFile]
    folder: Path

    def read(self, settings: FileSource, contract: Contract | None = None) -> TypedTable:
        """Read them as one table; ``url`` and ``format`` have done their work already."""
        files, nulls, file_format = self.found, settings.null_values, self.found[0].format
        if file_format in TEXT_FORMATS:
            files = [as_utf8(file, settings.encoding, self.folder) for file in files]
        if file_format in ("csv", "tsv"):
            from dataflow.sources.file.delimited import read_delimited

            return read_delimited(files, self.folder, nulls, settings.delimiter, contract)
        if file_format == "geojson":
            from dataflow.sources.file.features import read_features

            return read_features(files, self.folder, nulls, contract)
        if file_format == "excel":
            from dataflow.sources.file.spreadsheet import read_spreadsheets

            return read_spreadsheets(files, nulls, settings.sheet)
        if file_format == "parquet":
            return _read_parquet(files, nulls)
        from dataflow.sources.documents import read_documents

        if settings.data_path:
            from dataflow.sources.records import extract_records

            files = extract_records(files, settings.data_path, self.folder)
        return read_documents(files, nulls, lines=files[0].format == "jsonl", contract=contract)


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


def _read_parquet(files: Sequence[LocalFile], null_values: Sequence[str]) -> TypedTable:
    """Read Parquet files as they are; columns are matched by name, and types widened.

    Of the texts that mean no value only NaN has a meaning here, in columns of fractions.
    """
    from dataflow.shared.sql import quote_literal
    from dataflow.sources.duckdb_session import faults_told, open_engine, without_nan
    from dataflow.sources.inference import BATCH_ROWS, TypedTable

    paths = ", ".join(quote_literal(file.path) for file in files)

    def fault(message: str) -> SourceDataError:
        file = next((file for file in files if str(file.path) in message), files[0])
        first = message.strip().splitlines()[0].replace(str(file.path), file.shown)
        return SourceDataError(
            f"{file.shown} cannot be read as Parquet: {first}", "Fetch or write the file again."
        )

    with open_engine() as connection, faults_told(fault):
        relation = connection.sql(f"FROM read_parquet([{paths}], union_by_name = true)")
        relation = without_nan(relation, null_values)
        return TypedTable(relation.to_arrow_table(batch_size=BATCH_ROWS), [])
