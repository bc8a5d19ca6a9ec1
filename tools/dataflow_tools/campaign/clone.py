"""A campaign's own clone of a repository: nobody else works in it, and it can be deleted."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow_tools.scaffold.git import GitError, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable

_BASE = "refs/dataflow/base"
# No hook of a person's runs, nobody is asked for a password, and large files stay where they are.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "protocol.version=2")
# A server that says nothing for a minute is given up.
_PATIENCE = ("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60")
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=20"
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
_NAME = "GIT_{}_{}"


class NoBranchError(DataflowError):
    """A repository has no branch to start from."""


class BranchTakenError(DataflowError):
    """Somebody pushed to the branch before we did."""


@dataclass(frozen=True)
class Remote:
    """What a repository has now.

    Args:
        branch: The branch that people work on.
        base: Its last commit.
        proposed: The last commit of the campaign's branch, if there is one.
    """

    branch: str
    base: str
    proposed: str | None


@dataclass(frozen=True)
class Clone:
    """A clone with the last commit only, and a working tree of its own."""

    folder: Path
    address: str

    def look(self, branch: str) -> Remote:
        """Ask the repository what it has.

        Raises:
            GitError: It cannot be reached.
            NoBranchError: It is empty.
        """
        self._make()
        wanted = ("HEAD", f"refs/heads/{branch}")
        answer = self._git("ls-remote", "--symref", "--", self.address, *wanted).decode()
        name = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer, re.MULTILINE)
        found = {ref: sha for sha, ref in re.findall(r"^([0-9a-f]{40,64})\t(\S+)$", answer, re.M)}
        if name is None or "HEAD" not in found:
            raise NoBranchError(
                "The repository has no commit on its default branch.",
                "Push something to it, or take it out of the list.",
            )
        return Remote(name[1], found["HEAD"], found.get(f"refs/heads/{branch}"))

    def start_from(self, base: str) -> str:
        """Make the working tree that of the repository's last commit, and nothing else.

        What a killed process left there is gone.

        Args:
            base: The commit that `look` told of.

        Returns:
            The commit, which is another one if somebody pushed meanwhile.
        """
        (self.folder / ".git" / "index.lock").unlink(missing_ok=True)
        if self._known() != base:
            self._git(
                *("fetch", "--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head", "--force"),
                *("--", self.address, f"HEAD:{_BASE}"),
            )
        base = self._git("rev-parse", _BASE).decode().strip()
        self._git("checkout", "--quiet", "--force", "--detach", base)
        self._git("clean", "-ffdxq")
        return base

    def leave_as_it_was(self, folders: Iterable[str]) -> None:
        """Undo all changes below some folders."""
        for name in folders:
            self._git("reset", "--quiet", "--", name)
            self._git("checkout", "--quiet", "--force", "--", name)
            self._git("clean", "-fdq", "--", name)

    def commit(self, message: str) -> str:
        """Commit everything that has changed, and return the commit.

        The same change of the same commit by the same person is the same commit, whenever it is
        made: so it can be told after a crash whether it was pushed.

        Raises:
            GitError: Git does not know who commits.
        """
        self._git("add", "--all")
        tree = self._git("write-tree").decode().strip()
        when = self._git("log", "-1", "--format=%cI", _BASE).decode().strip()
        dates = {_NAME.format(who, "DATE"): when for who in ("AUTHOR", "COMMITTER")}
        made = self._git(
            *("commit-tree", tree, "-p", _BASE), stdin=message.encode(), environment=dates
        )
        commit = made.decode().strip()
        self._git("checkout", "--quiet", "--force", "--detach", commit)
        return commit

    def push(self, commit: str, branch: str) -> None:
        """Make a branch of a commit in the repository; one that is there stays as it is.

        Raises:
            BranchTakenError: There is such a branch by now.
            GitError: The push was refused.
        """
        ref = f"refs/heads/{branch}"
        try:
            # An empty expectation: the branch must not exist.
            self._git(
                *("push", "--quiet", "--no-verify", f"--force-with-lease={ref}:", "--"),
                *(self.address, f"{commit}:{ref}"),
            )
        except GitError as error:
            if "stale info" in error.reason or "already exists" in error.reason:
                raise BranchTakenError(
                    f"The branch {branch} was made by somebody else in the meantime.",
                    "Run the same command again.",
                ) from error
            raise

    def projects(self) -> list[Path]:
        """The folders whose ``pyproject.toml`` may be a project's, the root first."""
        listed = self._git("ls-files", "-z", "--", "pyproject.toml", "*/pyproject.toml")
        names = os.fsdecode(listed).split("\0")[:-1]
        return [
            (self.folder / name).parent
            for name in sorted(names, key=lambda name: (name.count("/"), name))
            if "[tool.dataflow" in (self.folder / name).read_text("utf-8", errors="replace")
        ]

    def _make(self) -> None:
        if (self.folder / ".git" / "made").is_file():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch", "main")
        # The command lines of code hosts find the repository by it.
        self._git("remote", "add", "origin", self.address)
        (self.folder / ".git" / "made").touch()

    def _known(self) -> str | None:
        path = self.folder / ".git" / _BASE
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None

    def _git(
        self, *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None
    ) -> bytes:
        variables = {**_ENVIRONMENT, **(environment or {})}
        if "GIT_SSH_COMMAND" not in os.environ and "GIT_SSH" not in os.environ:
            variables["GIT_SSH_COMMAND"] = _SSH
        return run_git(
            *_QUIET, *_PATIENCE, *arguments, cwd=self.folder, stdin=stdin, environment=variables
        )
