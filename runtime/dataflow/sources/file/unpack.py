"""Compressed files, unpacked whole or not at all."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO

from dataflow.shared.step_progress import step_progress
from dataflow.sources.errors import SourceDataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SUFFIXES = (".gz", ".zst", ".bz2", ".zip")
# Formats of files tell by their first bytes more surely than by their names.
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"PK\x03\x04": "zip"}
# What is laid beside data for people or by their computers, and is no data.
_BESIDE = re.compile(
    r"__MACOSX/|(.*/)?(\.[^/]*|(readme|licen[cs]e|copying)(\.txt|\.html?)?|[^/]*\.(md|pdf|docx?))$",
    re.IGNORECASE,
)
_CHUNK = 1 << 20


def compression_of(path: Path) -> str | None:
    """How a file is compressed, by its first bytes: gzip, zstd, bz2, zip or not at all."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def inner_name(name: str) -> str:
    """A file name without the suffix of its compression: ``a.csv.gz`` is ``a.csv``."""
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def unpack(path: Path, compression: str, folder: Path, shown: str) -> tuple[Path, str]:
    """Write the unpacked content of ``path`` into ``folder``.

    DuckDB could read some of these itself, but takes a cut-off gzip file for a short one.

    Returns:
        The unpacked file, and the name that it had inside.
    """
    import pyarrow as pa

    target = folder / "unpacked"
    try:
        if compression == "zip":
            return target, _unzip(path, target, shown)
        with (
            pa.OSFile(str(path)) as packed,
            pa.CompressedInputStream(packed, compression) as stream,
            target.open("wb") as out,
        ):
            _copy(stream, out, packed.tell, packed.size())
    except (pa.ArrowException, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceDataError(
            f"{shown} cannot be unpacked ({compression}): {error}.",
            "It may be cut off or damaged: fetch it again.",
        ) from error
    return target, inner_name(shown.rsplit("/", 1)[-1])


def _copy(source: Any, target: BinaryIO, place: Callable[[], int], size: int) -> None:
    progress = step_progress()
    progress.begin("unpacking", total_size=size)
    while chunk := source.read(_CHUNK):
        target.write(chunk)
        progress.count(size=place())


def _unzip(path: Path, target: Path, shown: str) -> str:
    with zipfile.ZipFile(path) as archive:
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not _BESIDE.match(member.filename)
        ]
        if any(member.filename == "xl/workbook.xml" for member in members):
            raise SourceDataError(
                f"{shown} is an Excel workbook, whatever its name says.",
                "Set `ingestion.source.format: excel`.",
            )
        if len(members) != 1:
            names = ", ".join(member.filename for member in members[:5]) or "none"
            raise SourceDataError(
                f"{shown} has {len(members)} files in it, not one: {names}.",
                "Unpack it and name the files, with a glob if there are several.",
            )
        try:
            with archive.open(members[0]) as source, target.open("wb") as out:
                _copy(source, out, source.tell, members[0].file_size)
        except (RuntimeError, NotImplementedError) as error:
            raise SourceDataError(
                f"{shown} cannot be unpacked: {error}.", "Unpack it yourself, without a password."
            ) from error
        return members[0].filename.rsplit("/", 1)[-1]
