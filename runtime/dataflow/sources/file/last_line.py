"""Whether a text file ends in a line end: one that usually does, and today does not, may be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.sources.local_file import LocalFile

_LAST_BYTES = 400
_LONGEST_SHOWN = 60


def has_final_newline(path: Path) -> bool:
    """Whether a file ends in a line end, or is empty."""
    return _end_of(path)[-1:] in (b"", b"\n", b"\r")


def note_on_last_line(file: LocalFile) -> str:
    """What to tell of a file whose last line may be cut; empty if it ends in a line end."""
    end = _end_of(file.path).rstrip(b" \t\x1a")
    if end[-1:] in (b"", b"\n", b"\r"):
        return ""
    last = end.decode("utf-8", errors="replace").replace("\r", "\n").rpartition("\n")[2]
    return (
        f"{file.shown} does not end in a line end, as it did on the day of its contract: if it was "
        f"cut off, its last line, {shortened(last, _LONGEST_SHOWN)!r}, is not whole. If it is "
        "written so, set `ingestion.source.final_newline: false`."
    )


def _end_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - _LAST_BYTES))
        return stream.read()
