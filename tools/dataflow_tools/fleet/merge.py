"""Merge a file that both a person and the template changed, as git does."""

from __future__ import annotations

import tempfile
from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow_tools.fleet.tree import Entry
from dataflow_tools.scaffold.git import ask_git

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Merge:
    """The outcome of a merge, with conflict markers if there are conflicts.

    Args:
        conflicts: How many places a person has to look at.
        mergeable: Whether there was anything to merge line by line. If not, ``entry`` is the
            person's file as it was.
    """

    entry: Entry
    conflicts: int = 0
    mergeable: bool = True


def merge_entries(
    base: Entry | None, ours: Entry, theirs: Entry, labels: Sequence[str], cwd: Path
) -> Merge:
    """Merge two descendants of a file.

    Content, executable bit, line endings and whether the last line has one are four questions,
    each answered by whichever side changed it.

    Args:
        base: What both started from; ``None`` if both added the file.
        labels: What the markers call ours, base and theirs.
        cwd: A folder in the repository, whose ``merge.conflictStyle`` is honoured.
    """
    if base is None:
        executable = ours.executable or theirs.executable
    else:
        executable = (theirs if ours.executable == base.executable else ours).executable
    if base is not None and base.link == ours.link == theirs.link:
        if theirs.data == base.data:
            return Merge(Entry(ours.data, executable, ours.link))
        if ours.data == base.data:
            return Merge(Entry(theirs.data, executable, theirs.link))
    if ours.data == theirs.data and ours.link == theirs.link:
        return Merge(Entry(ours.data, executable, ours.link))
    origin = base or Entry(b"")
    if any(entry.link or entry.is_binary for entry in (origin, ours, theirs)):
        return Merge(ours, conflicts=1, mergeable=False)
    data, conflicts = _merge_lines(origin.data, ours.data, theirs.data, labels, cwd)
    return Merge(Entry(data, executable), conflicts)


def _merge_lines(
    base: bytes, ours: bytes, theirs: bytes, labels: Sequence[str], cwd: Path
) -> tuple[bytes, int]:
    # A mark before the first line is no part of what that says.
    marks = [text.startswith(BOM_UTF8) for text in (base, ours, theirs)]
    texts = [text.removeprefix(BOM_UTF8) for text in (base, ours, theirs)]
    merged, conflicts = _merge_texts(texts[0], texts[1], texts[2], labels, cwd)
    return (BOM_UTF8 if _decided(marks) else b"") + merged, conflicts


def _decided(sides: Sequence[bool]) -> bool:
    """What whoever changed it has made of a thing that is there or not."""
    base, ours, theirs = sides
    return theirs if ours == base else ours


def _merge_texts(
    base: bytes, ours: bytes, theirs: bytes, labels: Sequence[str], cwd: Path
) -> tuple[bytes, int]:
    ends = [_line_end(data) for data in (base, ours, theirs)]
    # A file whose line ends alone were changed would differ in every line.
    uniform = [end for end in ends if end is not None]
    alike = b"mixed" not in uniform and len(set(uniform)) > 1
    if not alike:
        return _merge_closed(base, ours, theirs, labels, cwd)
    plain = [data.replace(b"\r\n", b"\n") for data in (base, ours, theirs)]
    merged, conflicts = _merge_closed(plain[0], plain[1], plain[2], labels, cwd)
    wanted = ends[2] if ends[1] == ends[0] else ends[1]
    return (merged.replace(b"\n", b"\r\n") if wanted == b"\r\n" else merged), conflicts


def _merge_closed(
    base: bytes, ours: bytes, theirs: bytes, labels: Sequence[str], cwd: Path
) -> tuple[bytes, int]:
    merged, conflicts = _run_merge(base, ours, theirs, labels, cwd)
    closed = [not text or text.endswith(b"\n") for text in (base, ours, theirs)]
    if not conflicts or len(set(closed)) == 1:
        return merged, conflicts
    # A last line that an editor has left without its end says what it said.
    texts = [
        text if is_closed else text + (b"\r\n" if _line_end(text) == b"\r\n" else b"\n")
        for text, is_closed in zip((base, ours, theirs), closed, strict=True)
    ]
    again, fewer = _run_merge(texts[0], texts[1], texts[2], labels, cwd)
    if fewer >= conflicts:
        return merged, conflicts
    if not (fewer or _decided(closed)):
        again = again.removesuffix(b"\n").removesuffix(b"\r")
    return again, fewer


def _run_merge(
    base: bytes, ours: bytes, theirs: bytes, labels: Sequence[str], cwd: Path
) -> tuple[bytes, int]:
    with tempfile.TemporaryDirectory(prefix="dataflow-merge-") as folder:
        names = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for name, data in zip(names, (ours, base, theirs), strict=True):
            name.write_bytes(data)
        named = [part for label in labels for part in ("-L", label)]
        # The exit code is the number of conflicts, at most 127.
        code, merged = ask_git("merge-file", "-p", *named, *names, cwd=cwd, accept=range(128))
    return merged, code


def _line_end(data: bytes) -> bytes | None:
    """How the lines of a file end: one way, ``mixed``, or ``None`` if it has no line end."""
    windows, all_ends = data.count(b"\r\n"), data.count(b"\n")
    if not all_ends:
        return None
    if windows == all_ends:
        return b"\r\n"
    return b"mixed" if windows else b"\n"
