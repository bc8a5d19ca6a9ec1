"""Files as git sees them, and what lies in the way of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow_tools.fleet.tree import (
    Entry,
    obstacle,
    read_entry,
    read_tree,
    way_out,
    write_entry,
)


def test_files_links_and_executable_bits_are_read(tmp_path: Path) -> None:
    """A folder has no entry; a link is one itself, to a folder too."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/run.sh").write_text("x")
    (tmp_path / "sub/run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("sub")
    assert read_tree(tmp_path) == {
        "sub/run.sh": Entry(b"x", executable=True),
        "link": Entry(b"sub", link=True),
    }
    assert read_entry(tmp_path / "sub") is None
    assert read_entry(tmp_path / "sub/run.sh/inside") is None
    assert read_entry(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("entry", "mode"),
    [
        (Entry(b""), "100644"),
        (Entry(b"", executable=True), "100755"),
        (Entry(b"to", link=True), "120000"),
    ],
)
def test_modes_are_those_of_gits_index(entry: Entry, mode: str) -> None:
    """As `git ls-files --stage` shows them."""
    assert entry.mode == mode


def test_line_ends_alone_make_no_difference() -> None:
    """Git may check a text out with either; a binary or a link has none."""
    unix, windows = Entry(b"a\nb\n"), Entry(b"a\r\nb\r\n")
    assert unix.equals(windows)
    assert not unix.equals(Entry(b"a\r\nc\r\n"))
    assert not unix.equals(None)
    assert not unix.equals(Entry(b"a\nb\n", executable=True))
    assert not Entry(b"\0\n").equals(Entry(b"\0\r\n"))
    assert not Entry(b"a\n", link=True).equals(Entry(b"a\r\n", link=True))
    assert Entry(b"a\0").is_binary
    assert not Entry(b"a" * 8000 + b"\0").is_binary


@pytest.mark.parametrize(
    ("path", "leaving", "wanted"),
    [
        ("new", set(), None),
        ("sub/new", set(), None),
        ("sub/deep/new", set(), None),
        ("file/new", set(), "file"),
        ("file/new", {"file"}, None),
        ("link/new", set(), "link"),
        ("sub", set(), "sub/a"),
        ("sub", {"sub/a"}, "sub/b"),
        ("sub", {"sub/a", "sub/b"}, None),
        ("empty", set(), None),
        ("link", set(), None),
    ],
)
def test_what_lies_in_the_way_is_named(
    tmp_path: Path, path: str, leaving: set[str], wanted: str | None
) -> None:
    """A file or link where a folder must be, or something in a folder where the file must be."""
    for name in ("file", "sub/a", "sub/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty/folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to("sub")
    assert obstacle(tmp_path, path, leaving) == wanted


@pytest.mark.parametrize(
    "entry",
    [Entry(b"x"), Entry(b"x", executable=True), Entry(b"elsewhere", link=True)],
)
def test_what_is_written_is_what_is_read(tmp_path: Path, entry: Entry) -> None:
    """In folders that are made for it, or that are there; whoever may read a script may run it."""
    for name in ("deep/er/a", "deep/er/b"):
        write_entry(tmp_path / name, entry)
        assert read_entry(tmp_path / name) == entry
    if not entry.link:
        mode = (tmp_path / "deep/er/a").stat().st_mode
        assert (mode & 0o111 == 0o111) is entry.executable


def test_the_first_folder_that_leads_out_is_named(tmp_path: Path) -> None:
    """A link, or a repository of its own; the path itself may be either."""
    (tmp_path / "sub" / "own" / ".git").mkdir(parents=True)
    (tmp_path / "link").symlink_to("sub")
    found = [
        way_out(tmp_path, path)
        for path in ("link/own/a", "sub/own/a", "sub/own", "link", "sub/new/a", "a")
    ]
    assert found == ["link", "sub/own", None, None, None, None]
