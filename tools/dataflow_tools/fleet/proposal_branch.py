"""The branch that an update is proposed on: whose commits it has, and how new ones get there.

A commit of ours ends in a line that names its tree. Whoever amends it, or adds another one, makes
it theirs, and nothing of theirs is ever overwritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow_tools.scaffold.git import GitError, ask_git, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_TRAILER = "Dataflow-Update"
# What a forge may refuse to take from the token that CI runs with.
GUARDED = (".github/workflows/", ".gitlab-ci.yml")


class PushedMeanwhileError(DataflowError):
    """Somebody else pushed to the branch while the update was being made."""


@dataclass(frozen=True)
class Branch:
    """A branch of a remote repository, and what it would add to the base.

    Args:
        top: The root of the work tree.
        base: The commit to start from, unless people have worked on the branch.
        tip: The branch's last commit; ``None`` if there is no such branch.
        foreign: The commits of others that the base does not have yet, each in one line.
    """

    top: Path
    remote: str
    name: str
    base: str
    tip: str | None
    foreign: Sequence[str]

    @property
    def start(self) -> str:
        """The commit to go on from: people's work, or else the base, as if for the first time."""
        return self.tip if self.foreign and self.tip is not None else self.base

    def adds(self, tree: str) -> bool:
        """Whether the branch, merged now, would give something else than a tree."""
        return self.tip is None or merged_tree(self.top, self.base, self.tip) != tree

    def push(self, commit: str, options: Sequence[str]) -> None:
        """Move the branch to a commit, if nobody else has moved it in the meantime.

        Raises:
            PushedMeanwhileError: Somebody has.
            GitError: The remote refused for another reason.
        """
        reference = f"refs/heads/{self.name}"
        where = ("--porcelain", f"--force-with-lease={reference}:{self.tip or ''}", *options)
        target = (self.remote, f"{commit}:{reference}")
        try:
            run_git("push", *where, *target, cwd=self.top)
        except GitError as error:
            if options and "push options" in error.reason:
                self.push(commit, ())
                return
            if self._moved():
                raise PushedMeanwhileError(
                    f"Somebody pushed to {self.name} while the update was being made.",
                    "Nothing was overwritten. Run it again.",
                ) from error
            raise

    def _moved(self) -> bool:
        return _tip(self.top, self.remote, self.name) != self.tip


def read_branch(top: Path, remote: str, name: str) -> Branch:
    """Fetch a branch and find out whose commits it has.

    Raises:
        BadInputError: There is no such remote repository.
        GitError: It cannot be reached.
    """
    known = run_git("remote", cwd=top).decode().split()
    if remote not in known:
        raise BadInputError(
            f"The repository has no remote called {remote!r}, so there is nowhere to push to.",
            "Add it: git remote add origin URL",
        )
    base = run_git("rev-parse", "HEAD", cwd=top).decode().strip()
    # CI often fetches the last commit alone, which says nothing about what the branch adds.
    if run_git("rev-parse", "--is-shallow-repository", cwd=top).strip() == b"true":
        run_git("fetch", "--quiet", "--unshallow", remote, cwd=top)
    tip = _tip(top, remote, name)
    if tip is None:
        return Branch(top, remote, name, base, None, ())
    run_git("fetch", "--quiet", "--no-tags", remote, f"refs/heads/{name}", cwd=top)
    if merged_tree(top, base, tip) == tree_of(top, base):
        # All that people did there has been merged, however that was done.
        return Branch(top, remote, name, base, tip, ())
    listing = run_git(
        "log", "-z", "--format=%h %s (%an)%x01%T%x01%B", tip, f"^{base}", "--", cwd=top
    )
    foreign = []
    for entry in listing.decode(errors="replace").split("\0"):
        if entry:
            line, tree, message = entry.split("\x01", 2)
            if not re.search(rf"^{_TRAILER}: {tree}$", message, re.MULTILINE):
                foreign.append(line)
    return Branch(top, remote, name, base, tip, tuple(foreign))


def commit_all(
    top: Path, parent: str, message: str, paths: Iterable[str], author: tuple[str, str]
) -> str:
    """Commit the tracked files as they are, and new ones at some paths; no branch is moved.

    Args:
        paths: From the root; folders with all that git does not ignore in them.
        author: Who it is where git knows no one.
    """
    run_git("add", "--update", "--", ".", cwd=top)
    there = [path for path in paths if (top / path).exists() or (top / path).is_symlink()]
    if there:
        run_git("add", "--all", "--", *there, cwd=top)
    tree = run_git("write-tree", cwd=top).decode().strip()
    return commit_tree(top, parent, message, tree, author)


def commit_tree(top: Path, parent: str, message: str, tree: str, author: tuple[str, str]) -> str:
    """Make a commit of ours of a tree. Hooks, which might refuse conflict markers, do not run."""
    code, _ = ask_git("config", "user.email", cwd=top, accept=range(2))
    who = ("-c", f"user.name={author[0]}", "-c", f"user.email={author[1]}") if code else ()
    text = f"{message.rstrip()}\n\n{_TRAILER}: {tree}\n"
    made = run_git(*who, "commit-tree", tree, "-p", parent, cwd=top, stdin=text.encode())
    return made.decode().strip()


def without_guarded(top: Path, parent: str, commit: str) -> tuple[str, str] | None:
    """The tree of a commit with the files as before that a forge guards, and what is left out.

    Returns:
        The tree and the patch; ``None`` if the commit changes no such file.
    """
    changed = run_git("diff", "--name-only", "-z", parent, commit, cwd=top).decode().split("\0")
    guarded = [path for path in changed if path and path.startswith(GUARDED)]
    if not guarded:
        return None
    patch = run_git("diff", "--binary", parent, commit, "--", *guarded, cwd=top).decode(
        errors="replace"
    )
    run_git("read-tree", commit, cwd=top)
    run_git("reset", "--quiet", parent, "--", *guarded, cwd=top)
    return run_git("write-tree", cwd=top).decode().strip(), patch


def tree_of(top: Path, commit: str) -> str:
    """The tree of a commit."""
    return run_git("rev-parse", f"{commit}^{{tree}}", cwd=top).decode().strip()


def merged_tree(top: Path, base: str, tip: str) -> str | None:
    """What merging one commit into another gives; ``None`` if they conflict."""
    try:
        code, answer = ask_git(
            "merge-tree", "--write-tree", "--no-messages", base, tip, cwd=top, accept=range(2)
        )
    except GitError:
        # Git before 2.38. Without a merge only a branch on the base itself can be judged.
        ours = run_git("merge-base", base, tip, cwd=top).decode().strip() == base
        return tree_of(top, tip) if ours else None
    return answer.decode().split("\n", 1)[0].strip() if code == 0 else None


def _tip(top: Path, remote: str, name: str) -> str | None:
    answer = run_git("ls-remote", "--heads", remote, f"refs/heads/{name}", cwd=top).decode()
    return answer.split()[0] if answer.strip() else None
