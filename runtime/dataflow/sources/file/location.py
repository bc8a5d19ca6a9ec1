"""From ``source.url`` of a file source to files on this machine."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.project import ProjectNotFoundError, find_project
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import nearest_few
from dataflow.sources.errors import SourceError, SourceNotFoundError, SourceSettingError
from dataflow.sources.file.content import format_of
from dataflow.sources.file.unpack import compression_of, inner_name, unpack
from dataflow.sources.kind import shown_location
from dataflow.sources.local_file import LocalFile

if TYPE_CHECKING:
    from dataflow.shared.config_model import Parameters

# Suffixes, without the compression's.
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".psv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".geojson": "geojson",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".orc": "orc",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
_MEDIA_TYPES = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/geo+json": "geojson",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.orc": "orc",
    "application/vnd.apache.arrow.file": "feather",
    "application/vnd.apache.arrow.stream": "feather",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "excel",
    "application/vnd.ms-excel": "excel",
}
_NEAR_MISSES = 3
_UNREAD_ARCHIVES = frozenset((".7z", ".br", ".lz4", ".lzma", ".rar", ".tar", ".tgz", ".xz", ".z"))


def fetch_files(
    url: str, file_format: str | None, parameters: Parameters, folder: Path
) -> list[LocalFile]:
    """Bring the files that ``url`` names onto this machine, unpacked, in the order of their names.

    Args:
        url: A path (relative to the project's folder), a glob, or an http(s) or s3 address.
        file_format: The format, or None to take it from the file's name.
        parameters: How to download.
        folder: An empty folder for what is downloaded and unpacked.
    """
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    media_type = ""
    if scheme in ("http", "https"):
        from dataflow.sources.file.download import download

        path, media_type = download(url, folder, parameters)
        found = [(path, shown_location(url))]
    elif scheme == "s3":
        from dataflow.sources.file.bucket import download_objects

        found = download_objects(url, folder)
    else:
        found = _local_files(url.removeprefix("file://"))
    files = []
    for number, (path, shown) in enumerate(found):
        own = folder / str(number)
        own.mkdir()
        files.append(_prepared(path, shown, file_format, media_type, own))
    return files


def local_path(location: str) -> Path:
    """The file at a path; relative paths start at the project's folder."""
    path = _absolute(location)
    if path.is_dir():
        raise SourceSettingError(
            f"{path} is a folder, not a file.", f"Name the files, for example {location}/*.csv."
        )
    if (path.exists() and not path.is_file()) or location == "-":
        raise SourceSettingError(
            f"{quoted(location)} is a stream, which can be read once; each run reads its source.",
            "Save the data as a file, and name that.",
        )
    if not path.is_file():
        raise SourceNotFoundError(f"There is no file {path}.", _advice(path))
    return path


def _local_files(location: str) -> list[tuple[Path, str]]:
    path = _absolute(location)
    # A file may be called like a pattern.
    if path.exists() or not glob.has_magic(location):
        return [(local_path(location), location)]
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  (absolute patterns)
    files = [Path(match) for match in matches if Path(match).is_file()]
    if not files:
        raise SourceNotFoundError(f"There is no file {path}.", _advice(path))
    _refuse_packed_twice(files)
    if _expanded(location).is_absolute():
        return [(file, str(file)) for file in files]
    return [(file, str(file.relative_to(_project_folder()))) for file in files]


def _refuse_packed_twice(files: list[Path]) -> None:
    """Refuse a file beside its packed copy, as a packer that still works leaves both."""
    found: dict[Path, Path] = {}
    for file in files:
        other = found.setdefault(file.with_name(inner_name(file.name)), file)
        if other is not file:
            raise SourceSettingError(
                f"{other} and {file.name} are one file by their names, and its rows would come "
                "twice.",
                "Take one of them away, give it another name, or name only one in "
                "`ingestion.source.url`.",
            )


def _absolute(location: str) -> Path:
    path = _expanded(location)
    path = path if path.is_absolute() else _project_folder() / path
    try:
        path.is_file()
    except OSError as error:
        raise SourceNotFoundError(
            f"{quoted(location)} cannot be the name of a file: {error.strerror}.",
            "Correct `ingestion.source.url`.",
        ) from error
    return path


def _expanded(location: str) -> Path:
    # Unlike pathlib it leaves the name of somebody who is not known as it is.
    return Path(os.path.expanduser(location))  # noqa: PTH111


def _project_folder() -> Path:
    try:
        return find_project().root
    except ProjectNotFoundError:
        return Path.cwd()


def _advice(path: Path) -> str:
    """Say what there is instead: names that are nearly the same, or where the path ends."""
    folder = path.parent
    if glob.has_magic(str(path)):
        return "Correct the pattern in `ingestion.source.url`; relative paths start at the project."
    while not folder.is_dir():
        folder = folder.parent
    if folder != path.parent:
        return f"The folder {path.parent} is missing too; {folder} is there. Correct the path."
    names = [entry.name for entry in folder.iterdir()]
    near = nearest_few(path.name, names, _NEAR_MISSES)
    alike = [name for name in names if Path(name).stem.lower() == path.stem.lower()]
    near = list(dict.fromkeys([*near, *alike]))[:_NEAR_MISSES]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"The folder {folder} is there, but nothing in it is called like that."


def _prepared(
    path: Path, shown: str, file_format: str | None, media_type: str, folder: Path
) -> LocalFile:
    name = shown.rsplit("/", 1)[-1]
    kind = file_format or FORMATS.get(Path(inner_name(name)).suffix.lower())
    try:
        compression = compression_of(path)
    except OSError as error:
        raise SourceError(f"{shown} cannot be read: {error}.", "Make it readable.") from error
    # Modern spreadsheets are zip files themselves.
    if compression and not (compression == "zip" and kind == "excel" and inner_name(name) == name):
        path, inner = unpack(path, compression, folder, shown)
        kind = file_format or FORMATS.get(Path(inner).suffix.lower())
    kind = kind or _MEDIA_TYPES.get(media_type) or format_of(path)
    if kind is None and Path(inner_name(name)).suffix.lower() in _UNREAD_ARCHIVES:
        raise SourceSettingError(
            f"{shown} is an archive of a kind that is not unpacked here.",
            "Unpack it first; what gzip, zstd and bzip2 have packed, and a zip file with one file "
            "in it, are read as they are.",
        )
    if kind is None:
        raise SourceSettingError(
            f"Neither the name {name!r} nor the content tells the format of the file.",
            f"Set `format` to one of {', '.join(sorted({*FORMATS.values()}))}.",
        )
    if glob.has_magic(str(path)) or "'" in str(path):
        # DuckDB would take the name for a pattern.
        link = folder / "file"
        link.symlink_to(path.resolve())
        path = link
    return LocalFile(path, shown, kind)
