"""What git knows about the folders to update: tracked, changed, in conflict."""

from __future__ import annotations

import os
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow_tools.scaffold.git import find_top, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dataflow_tools.fleet.tree import Entry


class NoRepositoryError(BadInputError):
    """Workflows outside a git repository cannot be updated: nothing could be undone."""


@dataclass(frozen=True)
class WorkTree:
    """Git's view of some folders, read once.

    Args:
        top: The root of the repository.
        tracked: The hash that the index has of each file, by path from the root.
        changed: Paths with uncommitted changes, new files included, in order.
        unmerged: Paths with conflicts that nobody has resolved yet, in order.
    """

    top: Path
    tracked: dict[str, str]
    changed: list[str]
    unmerged: list[str]

    def name(self, folder: Path) -> str:
        """A folder's path from the root, as git writes it; ``.`` for the root itself."""
        return folder.relative_to(self.top).as_posix()

    def path(self, folder: Path, path: str) -> str:
        """The path from the root of something in a folder."""
        name = self.name(folder)
        return path if name == "." else f"{name}/{path}"

    def tracked_in(self, folder: Path) -> list[str]:
        """The tracked paths in a folder, relative to it."""
        return _within(self._tracked, self.name(folder))

    def changed_in(self, folder: Path) -> list[str]:
        """The paths with uncommitted changes in a folder, relative to it."""
        return _within(self.changed, self.name(folder))

    def unmerged_in(self, folder: Path) -> list[str]:
        """The paths with open conflicts in a folder, relative to it."""
        return _within(self.unmerged, self.name(folder))

    @cached_property
    def _tracked(self) -> list[str]:
        return sorted(self.tracked)


def _within(paths: list[str], folder: str) -> list[str]:
    """Find the paths below a folder in a sorted list, which may be that of a whole fleet."""
    if folder == ".":
        return paths
    prefix = f"{folder}/"
    found = []
    for position in range(bisect_left(paths, prefix), len(paths)):
        if not paths[position].startswith(prefix):
            break
        found.append(paths[position].removeprefix(prefix))
    return found


def read_work_tree(root: Path, folders: Sequence[Path]) -> WorkTree:
    """Ask git about some folders below ``root``; no link may be on the way to them.

    Raises:
        NoRepositoryError: ``root`` is not in a git repository.
    """
    top = find_top(root)
    if top is None:
        raise NoRepositoryError(
            f"{root} is not in a git repository, so an update could not be undone.",
            "Run `git init`, commit everything, and update then.",
        )
    # One common folder instead of a thousand names, which no command line would hold.
    paths = list(folders) if len(folders) <= 20 else [Path(os.path.commonpath(folders))]
    tracked: dict[str, str] = {}
    listing = run_git("ls-files", "--stage", "-z", "--full-name", "--", *paths, cwd=top)
    for line in os.fsdecode(listing).split("\0")[:-1]:
        meta, path = line.split("\t", 1)
        _, sha, stage = meta.split(" ")
        if stage in {"0", "2"}:
            tracked[path] = sha
    changed, unmerged = _read_status(top, paths)
    return WorkTree(top, tracked, sorted(changed), sorted(unmerged))


def _read_status(top: Path, paths: Sequence[Path]) -> tuple[set[str], set[str]]:
    # Format: https://git-scm.com/docs/git-status#_porcelain_format_version_2
    how = ("--porcelain=v2", "-z", "--untracked-files=all", "--no-renames")
    status = run_git("status", *how, "--", *paths, cwd=top)
    changed, unmerged = set(), set()
    for line in os.fsdecode(status).split("\0")[:-1]:
        if line.startswith("1 "):
            changed.add(line.split(" ", 8)[8])
        elif line.startswith("u "):
            unmerged.add(line.split(" ", 10)[10])
        elif line.startswith("? "):
            changed.add(line[2:])
    return changed, unmerged


def mark_conflicts(
    top: Path, conflicts: Iterable[tuple[str, Sequence[Entry | None], str | None]]
) -> bytes:
    """Make what ``git update-index --index-info -z`` needs to record conflicts.

    The contents go into git's store; the index itself is not touched.

    Args:
        conflicts: For each the path from the root; base, the person's and the template's file;
            and the hash of the person's file if git has it.

    Returns:
        The standard input for the command: https://git-scm.com/docs/git-update-index
    """
    lines: list[bytes] = []
    for path, stages, known in conflicts:
        name = os.fsencode(path)
        length = 0
        staged: list[bytes] = []
        for number, entry in enumerate(stages, start=1):
            if entry is None:
                continue
            sha = known if number == 2 and known else _store(top, entry.data)
            length = len(sha)
            staged.append(f"{entry.mode} {sha} {number}\t".encode() + name)
        lines += [f"0 {'0' * length}\t".encode() + name, *staged]
    return b"".join(line + b"\0" for line in lines)


def _store(top: Path, data: bytes) -> str:
    return run_git("hash-object", "-w", "--stdin", cwd=top, stdin=data).decode().strip()
