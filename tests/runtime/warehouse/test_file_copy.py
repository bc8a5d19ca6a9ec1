"""A file is copied whole, and a change of it is seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.warehouse.file_copy import copy_file, identity


def _refuses(*_: object) -> int:
    raise OSError("not between these two")


def _gives_up_half_way(source: int, target: int, count: int) -> int:
    return os.sendfile(target, source, None, 3) if os.lseek(target, 0, os.SEEK_CUR) == 0 else 0


def _all_at_once(source: int, target: int, count: int) -> int:
    return os.sendfile(target, source, None, count)


@pytest.mark.parametrize("by_kernel", [_refuses, _gives_up_half_way, _all_at_once])
def test_a_copy_has_every_byte_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_kernel: Callable[..., int]
) -> None:
    """Whether the file system copies by itself, not at all, or only a part."""
    monkeypatch.setattr(os, "copy_file_range", by_kernel, raising=False)
    (tmp_path / "a").write_bytes(b"0123456789")
    (tmp_path / "b").write_bytes(b"an older and longer copy")
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"0123456789"


def test_what_the_kernel_copied_is_not_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of many gigabytes shares its blocks; reading it would take minutes."""
    monkeypatch.setattr("shutil.copyfileobj", _refuses)
    (tmp_path / "a").write_bytes(b"0123456789")
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"0123456789"


def test_a_file_is_another_after_a_write_or_a_replacement(tmp_path: Path) -> None:
    """Also where it is as long as before; a file that is not there is none."""
    file, other = tmp_path / "a", tmp_path / "b"
    assert identity(file) is None
    file.write_bytes(b"1")
    first = identity(file)
    assert first == identity(file)
    other.write_bytes(b"2")
    os.utime(other, ns=(0, file.stat().st_mtime_ns))
    other.replace(file)
    assert identity(file) not in (None, first)
