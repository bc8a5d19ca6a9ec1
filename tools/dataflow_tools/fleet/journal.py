"""Change the files of a workflow all at once, also when the process is killed half-way.

First everything new is written to a folder beside the workflow, then a journal that says which
file goes where, and only then are the files moved into place. Until the journal is complete,
nothing has happened. From then on, whoever comes next can finish the work.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow_tools.fleet.tree import Entry, read_entry, way_out
from dataflow_tools.scaffold.git import GitError, run_git
from dataflow_tools.scaffold.relocation import flush, relocate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_JOURNAL = "journal.json"
_DRAFT = ".draft"


@dataclass(frozen=True)
class Move:
    """What is at a path now, and what shall be there; ``None`` is nothing."""

    path: str
    before: Entry | None
    after: Entry | None


def replace_files(
    room: Path, folder: Path, moves: Sequence[Move], index: bytes = b"", top: Path | None = None
) -> None:
    """Apply moves to a folder; either all of them happen or none.

    Args:
        room: A folder for the journal, of this update's own, on the same file system if possible.
        moves: The changes; the answers file should come last.
        index: Input for ``git update-index --index-info -z``, if conflicts are to be marked.
        top: The root of the repository, needed with ``index``.

    Raises:
        OSError: A file could not be replaced; those before it were put back.
    """
    if len(moves) == 1 and not index and moves[0].after is not None:
        # One file is replaced by one call, which cannot stop half-way.
        draft, target = room.with_suffix(_DRAFT), folder / moves[0].path
        _write(draft, moves[0].after, _permissions(target))
        _put(draft, target)
        return
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    steps = []
    for number, move in enumerate(moves):
        if move.after is not None:
            staged = room / str(number)
            _write(staged, move.after, _permissions(folder / move.path))
            flush(staged)
        steps.append(
            {
                "path": move.path,
                "staged": str(number) if move.after is not None else None,
                "before": _digest(move.before),
            }
        )
    if index:
        (room / "index").write_bytes(index)
    journal = {"folder": str(folder), "top": str(top) if top else None, "steps": steps}
    draft = room / f"{_JOURNAL}.new"
    draft.write_text(json.dumps(journal), encoding="utf-8")
    flush(draft)
    draft.replace(room / _JOURNAL)
    try:
        _carry_out(room)
    except OSError:
        _put_back(room, folder, moves)
        raise


def pending(state: Path) -> list[str]:
    """The names of the workflows whose last update was cut short after it had begun."""
    return sorted(path.parent.name for path in state.glob(f"*/{_JOURNAL}"))


def recover(state: Path) -> Iterator[tuple[str, list[str]]]:
    """Finish what was begun, and throw away what was not.

    Returns:
        For each workflow finished its name, and the files that somebody changed in the meantime.
        Those are left alone.
    """
    if not state.is_dir():
        return
    for room in sorted(state.iterdir()):
        if (room / _JOURNAL).is_file():
            yield room.name, _carry_out(room)
        elif room.is_dir():
            shutil.rmtree(room, ignore_errors=True)
        elif room.suffix == _DRAFT:
            room.unlink()


def _carry_out(room: Path) -> list[str]:
    """Do what the journal says that is not done yet; it may be called again at any point."""
    journal: dict[str, Any] = json.loads((room / _JOURNAL).read_text(encoding="utf-8"))
    folder = Path(journal["folder"])
    steps = journal["steps"]
    untouchable = []
    # What goes has to go first: a file may become a folder.
    for step in steps:
        if step["staged"] is None:
            target = folder / step["path"]
            same = _digest(read_entry(target)) == step["before"] is not None
            if same and way_out(folder, step["path"]) is None:
                target.unlink()
                _remove_empty_folders(target.parent, folder)
            elif read_entry(target) is not None:
                untouchable.append(step["path"])
    for step in steps:
        staged = room / step["staged"] if step["staged"] is not None else None
        if staged is None or not (staged.is_symlink() or staged.exists()):
            continue
        same = _digest(read_entry(folder / step["path"])) == step["before"]
        if not same or way_out(folder, step["path"]) is not None:
            untouchable.append(step["path"])
            continue
        _put(staged, folder / step["path"])
    if (room / "index").is_file() and journal["top"]:
        top, lines = Path(journal["top"]), (room / "index").read_bytes()
        _update_index(top, lines)
    (room / _JOURNAL).unlink()
    shutil.rmtree(room, ignore_errors=True)
    return untouchable


def _update_index(top: Path, lines: bytes) -> None:
    """Tell git of the conflicts; an editor's git may hold the index for a moment."""
    for wait in (0.1, 0.3, 1.0, None):
        try:
            run_git("update-index", "-z", "--index-info", cwd=top, stdin=lines)
        except GitError:
            if wait is None:
                raise
            time.sleep(wait)
        else:
            return


def _put_back(room: Path, folder: Path, moves: Sequence[Move]) -> None:
    """Undo what `_carry_out` did before it failed, as far as the failure allows."""
    done = [
        (number, move)
        for number, move in enumerate(moves)
        if read_entry(folder / move.path) != move.before
    ]
    # What was added has to go first: it may lie where a file or folder has to come back.
    for number, move in sorted(done, key=lambda pair: pair[1].before is not None):
        target = folder / move.path
        with contextlib.suppress(OSError):
            if move.before is None:
                target.unlink()
                _remove_empty_folders(target.parent, folder)
            else:
                _write(room / f"{number}.before", move.before, _permissions(target))
                _put(room / f"{number}.before", target)
    (room / _JOURNAL).unlink()
    shutil.rmtree(room, ignore_errors=True)


def _write(path: Path, entry: Entry, permissions: int | None) -> None:
    if entry.link:
        path.symlink_to(os.fsdecode(entry.data))
        return
    path.write_bytes(entry.data)
    present = stat.S_IMODE(path.stat().st_mode)
    mode = permissions if permissions is not None else present
    # Whoever may read a program may run it, as `chmod +x` has it.
    mode = mode | (mode & 0o444) >> 2 if entry.executable else mode & ~0o111
    if mode != present:
        path.chmod(mode)


def _put(staged: Path, target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        for inside, _, _ in os.walk(target, topdown=False):
            Path(inside).rmdir()
    # The project's own files may lie on another file system than its workflows.
    relocate(staged, target)


def _permissions(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return stat.S_IMODE(status.st_mode)
    return None


def _remove_empty_folders(start: Path, stop: Path) -> None:
    """Remove ``start`` and the folders above it, as long as they are empty and below ``stop``."""
    current = start
    while current != stop and stop in current.parents:
        try:
            current.rmdir()
        except OSError:
            return
        current = current.parent


def _digest(entry: Entry | None) -> str | None:
    if entry is None:
        return None
    return f"{entry.mode} {sha256(entry.data).hexdigest()}"
