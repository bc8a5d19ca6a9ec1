"""Files as git sees them: content, executable bit, link."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a symbolic link, whose data is where it points."""

    data: bytes
    executable: bool = False
    link: bool = False

    @property
    def mode(self) -> str:
        """The mode that git's index would record."""
        if self.link:
            return "120000"
        return "100755" if self.executable else "100644"

    @property
    def is_binary(self) -> bool:
        """Whether git would refuse to merge it: a NUL among the first 8000 bytes."""
        return b"\0" in self.data[:8000]

    def equals(self, other: Entry | None) -> bool:
        """Whether another entry is the same but for line ends, which git may write as it likes."""
        if other is None or self.mode != other.mode:
            return False
        if self.data == other.data or self.link or self.is_binary:
            return self.data == other.data
        return self.data.replace(b"\r\n", b"\n") == other.data.replace(b"\r\n", b"\n")


def read_entry(path: Path) -> Entry | None:
    """Read what lies at ``path``; ``None`` if nothing, or a folder, does."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(status.st_mode):
        return Entry(os.fsencode(path.readlink()), link=True)
    if not stat.S_ISREG(status.st_mode):
        return None
    return Entry(path.read_bytes(), executable=bool(status.st_mode & 0o100))


def write_entry(path: Path, entry: Entry) -> None:
    """Write an entry where nothing is yet; its folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.link:
        path.symlink_to(os.fsdecode(entry.data))
        return
    path.write_bytes(entry.data)
    if entry.executable:
        path.chmod(path.stat().st_mode | 0o111)


def read_tree(root: Path) -> dict[str, Entry]:
    """Read every file and link below ``root``, by its path with forward slashes."""
    found: dict[str, Entry] = {}
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            path = Path(folder, name)
            entry = read_entry(path)
            if entry is not None:
                found[path.relative_to(root).as_posix()] = entry
    return found


def way_out(root: Path, path: str) -> str | None:
    """Find the first folder on the way to ``path`` that leads out of what ``root`` owns.

    Returns:
        The path of a link, or of a folder that is a git repository of its own.
    """
    parts = path.split("/")
    for depth in range(1, len(parts)):
        folder = root.joinpath(*parts[:depth])
        if folder.is_symlink() or os.path.lexists(folder / ".git"):
            return "/".join(parts[:depth])
    return None


def obstacle(root: Path, path: str, leaving: set[str]) -> str | None:
    """Find what lies in the way of a file at ``path`` below ``root``.

    Args:
        leaving: The paths that the same update removes first.

    Returns:
        The path of the first thing in the way: a file or link where a folder must be, a git
        repository of its own, or something in a folder where the file must be.
    """
    parts = path.split("/")
    for depth in range(1, len(parts)):
        parent = "/".join(parts[:depth])
        there = root / parent
        if (there.is_symlink() or there.exists()) and parent not in leaving:
            if there.is_symlink() or not there.is_dir() or os.path.lexists(there / ".git"):
                return parent
        elif parent in leaving:
            return None
    target = root / path
    if target.is_dir() and not target.is_symlink():
        for inside in sorted(target.rglob("*")):
            name = inside.relative_to(root).as_posix()
            if name not in leaving and (inside.is_symlink() or not inside.is_dir()):
                return name
    return None
