"""File sources: from ``ingestion.source`` of type file to one table."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.file.encoding import as_utf8
from dataflow.sources.file.location import LocalFile, fetch_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataflow.sources.inference import TypedTable

TEXT_FORMATS = ("csv", "tsv", "json", "jsonl", "geojson")


def read_file(source: dict[str, Any], parameters: dict[str, Any]) -> TypedTable:
    """Read the file or files that ``source["url"]`` names.

    Args:
        source: ``url``, and optionally ``format``, ``null_values``, ``delimiter``, ``encoding``,
            ``sheet`` and ``data_path``, as in config.yaml.
        parameters: ``max_retries`` and ``timeout_seconds`` for downloads.

    Raises:
        SourceError: A file is missing, out of reach or not what it should be.
        SourceSettingError: A setting says something that cannot be done.
    """
    with fetched_files(source, parameters) as files:
        return files.read(source)


@dataclass(frozen=True)
class Files:
    """The files of a source, on this machine.

    Args:
        found: The files, all of one format.
        folder: A folder for files on the way.
    """

    found: list[LocalFile]
    folder: Path

    def read(self, source: dict[str, Any]) -> TypedTable:
        """Read them as one table.

        Args:
            source: As for ``read_file``; ``url`` and ``format`` have done their work already.

        Raises:
            SourceError: A file is not what it should be.
            SourceSettingError: A setting says something that cannot be done.
        """
        return _read(self.found, self.folder, source)


@contextmanager
def fetched_files(source: dict[str, Any], parameters: dict[str, Any]) -> Iterator[Files]:
    """Bring a source's files onto this machine, to be read as often as wanted.

    Args:
        source: As for ``read_file``.
        parameters: As for ``read_file``.

    Raises:
        SourceError: A file is missing or out of reach.
        SourceSettingError: The files are of several formats, or of none that is known.
    """
    with tempfile.TemporaryDirectory(prefix="dataflow-") as name:
        folder = Path(name)
        found = fetch_files(
            source["url"],
            source.get("format"),
            folder,
            max_retries=parameters.get("max_retries", 3),
            timeout_seconds=parameters.get("timeout_seconds", 30),
        )
        yield Files(_of_one_format(found, source), folder)


def _of_one_format(files: list[LocalFile], source: dict[str, Any]) -> list[LocalFile]:
    if source.get("format") is None and {file.format for file in files} == {"json"}:
        from dataflow.sources.file.features import is_feature_collection

        if all(is_feature_collection(file.path) for file in files):
            files = [replace(file, format="geojson") for file in files]
    formats = {file.format: file.shown for file in files}
    if len(formats) > 1:
        listed = ", ".join(f"{kind} ({shown})" for kind, shown in formats.items())
        raise SourceSettingError(
            f"{source['url']} names files of several formats: {listed}.",
            "Name files of one format, or set `ingestion.source.format`.",
        )
    return files


def _read(files: list[LocalFile], folder: Path, source: dict[str, Any]) -> TypedTable:
    file_format = files[0].format
    nulls = source.get("null_values")
    null_values = [""] if nulls is None else list(nulls)
    if file_format in TEXT_FORMATS:
        files = [as_utf8(file, source.get("encoding"), folder) for file in files]
    if file_format in ("csv", "tsv"):
        from dataflow.sources.file.delimited import read_delimited

        return read_delimited(files, folder, null_values, source.get("delimiter"))
    if file_format == "geojson":
        from dataflow.sources.file.features import read_features

        return read_features(files, folder, null_values)
    if file_format in ("json", "jsonl"):
        from dataflow.sources.documents import read_documents

        if source.get("data_path"):
            from dataflow.sources.records import extract_records

            path = str(source["data_path"])
            return read_documents(extract_records(files, path, folder), null_values, lines=True)
        return read_documents(files, null_values, lines=file_format == "jsonl")
    if file_format == "excel":
        from dataflow.sources.file.spreadsheet import read_spreadsheets

        return read_spreadsheets(files, null_values, source.get("sheet"))
    return _read_parquet(files, null_values)


def _read_parquet(files: Sequence[LocalFile], null_values: Sequence[str]) -> TypedTable:
    """Read Parquet files as they are; columns are matched by name, and types widened.

    Of the texts that mean no value only NaN has a meaning here, in columns of fractions.
    """
    import duckdb

    from dataflow.shared.sql import quote_literal
    from dataflow.sources.duckdb_session import open_engine, without_nan
    from dataflow.sources.inference import BATCH_ROWS, TypedTable

    paths = ", ".join(quote_literal(file.path) for file in files)
    with open_engine() as connection:
        try:
            relation = connection.sql(f"FROM read_parquet([{paths}], union_by_name = true)")
            relation = without_nan(relation, null_values)
            return TypedTable(relation.to_arrow_table(batch_size=BATCH_ROWS), [])
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            file = next((file for file in files if str(file.path) in str(error)), files[0])
            first = str(error).strip().splitlines()[0].replace(str(file.path), file.shown)
            raise SourceDataError(
                f"{file.shown} cannot be read as Parquet: {first}",
                "Fetch or write the file again.",
            ) from error
