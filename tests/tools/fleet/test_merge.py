"""Two descendants of a file become one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow_tools.fleet.merge import Merge, merge_entries
from dataflow_tools.fleet.tree import Entry

LABELS = ("yours", "base", "theirs")
MARK = b"\xef\xbb\xbf"
TEN = b"".join(b"%d\n" % n for n in range(10))
MINE, THEIRS = TEN.replace(b"1\n", b"mine\n"), TEN.replace(b"8\n", b"theirs\n")
BOTH = MINE.replace(b"8\n", b"theirs\n")


def windows(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def merged(base: bytes | None, ours: bytes, theirs: bytes, tmp_path: Path) -> Merge:
    origin = None if base is None else Entry(base)
    return merge_entries(origin, Entry(ours), Entry(theirs), LABELS, tmp_path)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        (TEN, MINE, THEIRS, BOTH),
        (TEN, TEN, THEIRS, THEIRS),
        (TEN, MINE, TEN, MINE),
        (TEN, MINE, MINE, MINE),
        (None, MINE, MINE, MINE),
        (TEN, windows(MINE), THEIRS, windows(BOTH)),
        (TEN, MINE, windows(THEIRS), windows(BOTH)),
        (windows(TEN), MINE, windows(THEIRS), BOTH),
        (TEN, b"", TEN, b""),
        # But for the ends of their lines, two of them are one.
        (TEN, windows(TEN), THEIRS, windows(THEIRS)),
        (TEN, MINE, windows(TEN), windows(MINE)),
        (TEN, windows(MINE), MINE, windows(MINE)),
        # An editor has taken the end of the last line away, or the template had none.
        (TEN, TEN[:-1], TEN + b"more\n", TEN + b"more"),
        (TEN, MINE[:-1], THEIRS, BOTH[:-1]),
        (TEN[:-1], MINE, THEIRS[:-1] + b"\nmore", BOTH + b"more\n"),
        (windows(TEN), windows(MINE)[:-2], windows(THEIRS + b"9\n"), windows(BOTH + b"9")),
        (TEN, windows(MINE)[:-2], THEIRS, windows(BOTH)[:-2]),
        # An editor has put a byte-order mark before it.
        (TEN, MARK + TEN, b"first\n" + TEN, MARK + b"first\n" + TEN),
    ],
)
def test_each_sides_change_is_there(
    base: bytes | None, ours: bytes, theirs: bytes, wanted: bytes, tmp_path: Path
) -> None:
    """Content and line ends are two questions, each answered by whichever side changed it."""
    assert merged(base, ours, theirs, tmp_path) == Merge(Entry(wanted))


def test_conflicts_are_counted_and_labelled(tmp_path: Path) -> None:
    """One for each place that both changed."""
    other = TEN.replace(b"1\n", b"other\n").replace(b"8\n", b"theirs\n")
    ours = MINE.replace(b"8\n", b"eight\n")
    found = merged(TEN, ours, other, tmp_path)
    assert (found.conflicts, found.mergeable) == (2, True)
    assert b"<<<<<<< yours\nmine\n" in found.entry.data
    assert b">>>>>>> theirs\n" in found.entry.data


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [(b"\0", b"\0a", b"\0b"), (b"a", b"\0", b"b"), (b"a", b"b", b"\0")],
)
def test_what_has_no_lines_is_a_persons_as_it_was(
    base: bytes, ours: bytes, theirs: bytes, tmp_path: Path
) -> None:
    """A binary on any side is one conflict, with nothing written into it."""
    assert merged(base, ours, theirs, tmp_path) == Merge(Entry(ours), 1, mergeable=False)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        (False, True, False, True),
        (False, False, True, True),
        (True, False, True, False),
        (True, True, False, False),
        (None, True, False, True),
        (None, False, True, True),
        (None, False, False, False),
    ],
)
def test_the_executable_bit_is_whoevers_changed_it(
    base: bool | None, ours: bool, theirs: bool, wanted: bool, tmp_path: Path
) -> None:
    """Also where the content is the same or only one side's."""
    origin = None if base is None else Entry(TEN, base)
    found = merge_entries(origin, Entry(MINE, ours), Entry(MINE, theirs), LABELS, tmp_path)
    assert found == Merge(Entry(MINE, wanted))
    if origin is not None:
        moved = merge_entries(origin, Entry(MINE, ours), Entry(THEIRS, theirs), LABELS, tmp_path)
        assert moved == Merge(Entry(BOTH, wanted))


def test_links_are_replaced_whole(tmp_path: Path) -> None:
    """Whoever points a link elsewhere wins; two who do, or a link against a file, conflict."""
    a, b, c = (Entry(name, link=True) for name in (b"a", b"b", b"c"))
    assert merge_entries(a, b, a, LABELS, tmp_path) == Merge(b)
    assert merge_entries(a, a, b, LABELS, tmp_path) == Merge(b)
    assert merge_entries(a, b, c, LABELS, tmp_path) == Merge(b, 1, mergeable=False)
    file = Entry(b"a")
    assert merge_entries(file, file, a, LABELS, tmp_path) == Merge(file, 1, mergeable=False)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        # A file without a line end says nothing of line ends.
        (b"", windows(TEN), windows(TEN), windows(TEN)),
        (b"one", windows(b"one\ntwo\n"), b"one", windows(b"one\ntwo\n")),
        # Of a file with both kinds each line is what it is.
        (TEN + b"end\r\n", MINE + b"end\r\n", THEIRS + b"end\r\n", BOTH + b"end\r\n"),
        (TEN + b"end\r\n", MINE + b"end\r\n", TEN + b"end\r\n", MINE + b"end\r\n"),
        # A mark that the other side takes away goes.
        (MARK + TEN, MARK + MINE, THEIRS, BOTH),
        (MARK + TEN, MINE, MARK + THEIRS, BOTH),
    ],
)
def test_ends_and_marks_are_those_of_whoever_changed_them(
    base: bytes, ours: bytes, theirs: bytes, wanted: bytes, tmp_path: Path
) -> None:
    """Where there is nothing to tell them by, lines are merged as they stand."""
    assert merged(base, ours, theirs, tmp_path) == Merge(Entry(wanted))
