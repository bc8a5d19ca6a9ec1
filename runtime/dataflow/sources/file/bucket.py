"""Files from s3 addresses."""

from __future__ import annotations

import fnmatch
import glob
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dataflow.shared.step_progress import step_progress
from dataflow.sources.errors import (
    SourceNotFoundError,
    SourceSettingError,
    SourceUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20


def download_objects(url: str, folder: Path) -> list[tuple[Path, str]]:
    """Write the objects that an s3 address names into ``folder``.

    Credentials, region and endpoint are AWS's own: ``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``,
    ``~/.aws``, a machine's role. ``?region=`` and ``?endpoint_override=`` in the address win.

    Returns:
        The files with their addresses, in the order of their keys.
    """
    bucket, key = _open(url)
    files = []
    with _reading(key):
        found, progress, before = _found(bucket, key), step_progress(), 0
        progress.begin("downloading", total_size=sum(info.size for info in found))
        for number, info in enumerate(found):
            path = folder / f"object-{number}"
            with (
                bucket.open_input_stream(info.path, compression=None) as source,
                path.open("wb") as out,
            ):
                while chunk := source.read(_CHUNK):
                    out.write(chunk)
                    progress.count(size=before + out.tell())
                before += out.tell()
            files.append((path, f"s3://{info.path}"))
    if not files:
        raise SourceNotFoundError(
            f"There is no object s3://{key}.", "Correct `ingestion.source.url`."
        )
    return files


def list_objects(url: str) -> list[tuple[str, int, int]]:
    """The objects that an s3 address names: one, those of a pattern, or all of a folder.

    Returns:
        The key of each, with its bucket; its size; and when it was written last, in nanoseconds
        since 1970.

    Raises:
        SourceNotFoundError: There is no such bucket; one without such objects gives none.
    """
    from pyarrow import fs

    bucket, key = _open(url)
    with _reading(key):
        found = _found(bucket, key)
        if not found and not glob.has_magic(key):
            found = _found(bucket, f"{key.rstrip('/')}/**")
        name = key.partition("/")[0]
        if not found and bucket.get_file_info([name])[0].type == fs.FileType.NotFound:
            raise SourceNotFoundError(f"There is no bucket {name}.", "Correct the address.")
    return [(info.path, info.size, info.mtime_ns or 0) for info in found]


def _open(url: str) -> tuple[Any, str]:
    """The file system of an address, and the key, with the bucket, that it names."""
    import pyarrow as pa
    from pyarrow import fs

    address, _, query = url.partition("?")
    try:
        # Without the key, which may have blanks and other signs that no address has.
        root = "/".join(address.split("/")[:3])
        bucket, _ = fs.FileSystem.from_uri(f"{root}{'?' * bool(query)}{query}")
    except (pa.ArrowException, ValueError, OSError) as error:
        raise SourceSettingError(
            f"{address} is not an address in S3: {error}.", "Write s3://bucket/key."
        ) from error
    key = address.removeprefix("s3://").rpartition("@")[2]
    if not key.partition("/")[0]:
        raise SourceSettingError(f"{address} names no bucket.", "Write s3://bucket/key.")
    return bucket, key


@contextmanager
def _reading(key: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise SourceUnavailableError(
            f"s3://{key} cannot be read: {error}.",
            "Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.",
        ) from error


def _found(bucket: Any, key: str) -> list[Any]:
    """What is known of each object that a key or a pattern names, in the order of their keys."""
    from pyarrow import fs

    if not glob.has_magic(key):
        found = bucket.get_file_info([key])
    else:
        fixed = key[: min(key.find(sign) for sign in "*?[" if sign in key)].rpartition("/")[0]
        selector = fs.FileSelector(fixed, recursive=True, allow_not_found=True)
        found = [info for info in bucket.get_file_info(selector) if _matches(info.path, key)]
    return sorted((i for i in found if i.type == fs.FileType.File), key=lambda info: info.path)


def _matches(name: str, pattern: str) -> bool:
    """Whether a key matches a glob in which ``*`` stays within a folder and ``**`` does not."""
    parts, wanted = name.split("/"), pattern.split("/")
    if "**" not in wanted:
        return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
    at = wanted.index("**")
    head, tail = wanted[:at], wanted[at + 1 :]
    return (
        len(parts) >= len(head) + len(tail)
        and all(map(fnmatch.fnmatchcase, parts, head))
        and all(map(fnmatch.fnmatchcase, parts[len(parts) - len(tail) :], tail))
    )
