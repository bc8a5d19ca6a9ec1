"""Compressed files are read whole, and cut-off ones are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from typing import Any

import pyarrow as pa
import pytest

from dataflow.sources.errors import SourceDataError

TEXT = b"a,b\n" + b"".join(b"%d,x%d\n" % (number, number) for number in range(50_000))


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, TEXT)
    return out.getvalue()


PACKED = {
    "a.csv.gz": gzip.compress(TEXT),
    "two.csv.gz": gzip.compress(TEXT[: len(TEXT) // 2]) + gzip.compress(TEXT[len(TEXT) // 2 :]),
    "a.csv.bz2": bz2.compress(TEXT),
    "a.csv.zst": pa.compress(TEXT, codec="zstd", asbytes=True),
    "a.csv.zip": zipped("inner.csv"),
    "data.zip": zipped("__MACOSX/inner.csv", "folder/inner.csv"),
    "told.zip": zipped("README.txt", "docs/codebook.pdf", "folder/.DS_Store", "folder/inner.csv"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKED)
def test_packed_files_are_read_whole(read: Any, name: str) -> None:
    """Every compression gives all rows; a zip file's member tells the format."""
    assert read(name, PACKED[name])["metadata"]["record_count"] == 50_000


@pytest.mark.parametrize("name", [name for name in PACKED if name not in ("data.zip", "told.zip")])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_cut_off_files_are_refused(read: Any, name: str, share: float) -> None:
    """A file that lacks its end is never read as a shorter one."""
    packed = PACKED[name]
    with pytest.raises(SourceDataError, match=r"csv.* cannot be unpacked"):
        read(name, packed[: int(len(packed) * share)])


def test_content_tells_more_than_the_name(read: Any) -> None:
    """A gzip file without its suffix, and a plain file with it, are both read."""
    assert read("a.csv", gzip.compress(b"a\n1\n"))["data"].to_pylist() == [{"a": 1}]
    assert read("b.csv.gz", b"a\n1\n")["data"].to_pylist() == [{"a": 1}]


def test_several_members_are_refused(read: Any) -> None:
    """Which of a zip file's members is meant cannot be known: they are listed."""
    with pytest.raises(SourceDataError, match=r"2 files in it, not one: x\.csv, y\.csv"):
        read("a.zip", zipped("x.csv", "y.csv"))
