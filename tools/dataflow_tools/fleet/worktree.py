"""What git knows about the folders to update: tracked, changed, in conflict."""

from __future__ import annotations

import os
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha1, sha256
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow_tools.scaffold.git import ask_git, find_top, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dataflow_tools.fleet.tree import Entry


# So many paths are named in one call of git.
_MOST_ARGUMENTS = 500
# The mode of a nested repository.
_REPOSITORY = "160000"
# What git, Copier and we write around the two sides of a conflict. The end of a line is the byte
# itself: to git's patterns a backslash before an r is nothing but an r.
_MARKERS = ("^<<<<<<<( |\r?$)", "^=======\r?$", "^>>>>>>>( |\r?$)")
# What stands in a file that has them.
_SIGNS = (b"<<<<<<<", b"=======", b">>>>>>>")


class NoRepositoryError(BadInputError):
    """Workflows outside a git repository cannot be updated: nothing could be undone.

    Why: An update changes files, and git is how it is undone.

    What to do: `git init`, then commit everything.
    """


@dataclass(frozen=True)
class WorkTree:
    """Git's view of some folders, read once.

    Args:
        top: The root of the repository.
        tracked: The hash that the index has of each file, by path from the root.
        changed: Tracked paths with uncommitted changes, in order. Git does not tell of those that
            it was told to overlook; `lacking` does.
        unmerged: Paths with conflicts that nobody has resolved yet, in order.
        left_out: Tracked paths that a sparse checkout leaves out, or that git was told to skip.
        executables: The tracked paths that are executable, where git takes no notice of what the
            file system says about it (``core.fileMode``); ``None`` where it does.
        folders: What was asked about.
    """

    top: Path
    tracked: dict[str, str]
    changed: list[str]
    unmerged: list[str]
    left_out: frozenset[str] = frozenset()
    executables: frozenset[str] | None = None
    folders: Sequence[Path] = ()

    def name(self, folder: Path) -> str:
        """A folder's path from the root, as git writes it; ``.`` for the root itself."""
        # Asked of each of a thousand folders several times.
        if folder not in self._names:
            self._names[folder] = folder.relative_to(self.top).as_posix()
        return self._names[folder]

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

    @cached_property
    def untracked(self) -> list[str]:
        """New files that git does not ignore, and nested repositories, in order.

        Git looks into each folder for them, which takes longer than all else that it is asked of a
        fleet.
        """
        lines = _status(self.top, self.folders, "all")
        return sorted(line[2:] for line in lines if line.startswith("? "))

    def untracked_in(self, folder: Path) -> list[str]:
        """The new files in a folder, relative to it."""
        return _within(self.untracked, self.name(folder))

    def untracked_among(self, folder: Path, paths: Iterable[str]) -> set[str]:
        """Those of some paths in a folder that are new files; git is asked if one may be."""
        unknown = {path for path in paths if self.path(folder, path) not in self.tracked}
        return unknown & {*self.untracked_in(folder)} if unknown else set()

    def left_out_in(self, folder: Path) -> frozenset[str]:
        """The paths in a folder, relative to it, that git was told not to check out."""
        return frozenset(_within(sorted(self.left_out), self.name(folder)))

    def executables_in(self, folder: Path) -> frozenset[str] | None:
        """The executable paths in a folder, where only the index says which they are."""
        if self.executables is None:
            return None
        return frozenset(_within(sorted(self.executables), self.name(folder)))

    def lacking(self, files: Mapping[str, Entry]) -> list[str]:
        """Find the files whose content git does not have, whatever it says about them.

        Files marked with ``assume-unchanged`` or ``skip-worktree`` count as unchanged for git, and
        so may others with ``core.fsmonitor`` or a clock that stood still. So contents are compared.

        Args:
            files: Files as they are on the disk, by their path from the root. Those that are not
                tracked are passed over.
        """
        odd = [
            path
            for path, entry in files.items()
            if path in self.tracked and _blob(entry.data, self.tracked[path]) != self.tracked[path]
        ]
        found = [path for path in odd if files[path].link]
        plain = [path for path in odd if not files[path].link]
        # Git stores a text with other line ends than it checks out, if it is told to.
        found += [path for path, sha in _hashes(self.top, plain) if sha != self.tracked[path]]
        return sorted(found)

    def unmerged_in(self, folder: Path) -> list[str]:
        """The paths with open conflicts in a folder, relative to it."""
        return _within(self.unmerged, self.name(folder))

    @cached_property
    def _tracked(self) -> list[str]:
        return sorted(self.tracked)

    @cached_property
    def _names(self) -> dict[Path, str]:
        return {}

    @cached_property
    def marked(self) -> list[str]:
        """The tracked paths whose files have conflict markers that somebody committed, in order."""
        # All three kinds of lines, as a file may well have one of them by itself.
        patterns = [word for end in _MARKERS for word in ("-e", end)]
        how = ("--files-with-matches", "--all-match", "-z", "-I", "--extended-regexp")
        command = ("grep", "--no-recurse-submodules", "--full-name", *how, *patterns, "--")
        _, answer = ask_git(*command, *self.folders, cwd=self.top, accept=range(2))
        unmerged = {*self.unmerged}
        found = sorted(os.fsdecode(name) for name in answer.split(b"\0") if name)
        return [path for path in found if path not in unmerged]

    def marked_in(self, folder: Path) -> list[str]:
        """The paths with committed conflict markers in a folder, relative to it."""
        return _within(self.marked, self.name(folder))

    def marked_among(self, folder: Path, files: Mapping[str, Entry | None]) -> list[str]:
        """Those of some files of a folder that have committed conflict markers, in order.

        Git is asked only if one of them may have: it reads all files of a fleet, which takes
        longer than an update in which few change.

        Args:
            files: Files as they are on the disk, by their path in the folder.
        """
        if not any(
            entry and all(sign in entry.data for sign in _SIGNS) for entry in files.values()
        ):
            return []
        return sorted(files.keys() & {*self.marked_in(folder)})


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
    executables, left_out = set(), set()
    listing = run_git("ls-files", "--stage", "-v", "-z", "--full-name", "--", *paths, cwd=top)
    for line in os.fsdecode(listing).split("\0")[:-1]:
        meta, path = line.split("\t", 1)
        tag, mode, sha, stage = meta.split(" ")
        # Of a nested repository the index has a commit, no content.
        if stage in {"0", "2"} and mode != _REPOSITORY:
            tracked[path] = sha
            if mode == "100755":
                executables.add(path)
            # https://git-scm.com/docs/git-ls-files#Documentation/git-ls-files.txt--t
            if tag in "Ss":
                left_out.add(path)
    changed, unmerged = _read_status(top, paths, tracked)
    return WorkTree(
        top,
        tracked,
        sorted(changed),
        sorted(unmerged),
        frozenset(left_out),
        None if _minds_file_mode(top) else frozenset(executables),
        paths,
    )


def _minds_file_mode(top: Path) -> bool:
    answer = run_git("config", "--type=bool", "--get", "core.fileMode", cwd=top, accept=range(2))
    return answer.strip() != b"false"


def _read_status(
    top: Path, paths: Sequence[Path], tracked: Mapping[str, str]
) -> tuple[set[str], set[str]]:
    changed, unmerged, touched = set(), set(), []
    for line in _status(top, paths, "no"):
        if line.startswith("1 "):
            _, state, _, *modes, _, _, path = line.split(" ", 8)
            changed.add(path)
            if state == ".M" and len({*modes}) == 1 and modes[0] != _REPOSITORY:
                touched.append(path)
        elif line.startswith("u "):
            unmerged.add(line.split(" ", 10)[10])
    # Git also calls a file changed of which it would store what it has, with other line ends.
    links = {path for path in touched if (top / path).is_symlink()}
    plain = [path for path in touched if path not in links]
    changed -= {path for path, sha in _hashes(top, plain) if sha == tracked.get(path)}
    return changed, unmerged


def _status(top: Path, paths: Sequence[Path], untracked: str) -> list[str]:
    # Format: https://git-scm.com/docs/git-status#_porcelain_format_version_2
    how = ("--porcelain=v2", "-z", f"--untracked-files={untracked}", "--no-renames")
    return os.fsdecode(run_git("status", *how, "--", *paths, cwd=top)).split("\0")[:-1]


def _hashes(top: Path, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The names of the contents that git would store of some files."""
    for start in range(0, len(paths), _MOST_ARGUMENTS):
        some = paths[start : start + _MOST_ARGUMENTS]
        hashes = run_git("hash-object", "--", *some, cwd=top).decode().split()
        yield from zip(some, hashes, strict=True)


def _blob(data: bytes, like: str) -> str:
    """The name that git gives a content, by the kind of hash that the repository has."""
    kind = sha256 if len(like) == sha256().digest_size * 2 else sha1
    return kind(b"blob %d\0" % len(data) + data).hexdigest()


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
