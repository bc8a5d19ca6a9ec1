"""Git, run as a program: the one place for its environment and its errors."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

# A git hook that calls us exports these; they would point every call at the hook's repository.
REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)


class GitError(DataflowError):
    """A git command failed for a reason that no caller foresaw."""


def ask_git(
    *arguments: str | os.PathLike[str],
    cwd: Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    accept: Container[int] = (0,),
) -> tuple[int, bytes]:
    """Run git and return its exit code and what it wrote to its standard output.

    Args:
        arguments: The subcommand and its arguments.
        cwd: The folder to run in.
        stdin: What to hand to its standard input.
        environment: Variables to add.
        accept: The exit codes that are no failure.

    Raises:
        GitError: Git said no; the error carries its last words, without credentials.
        MissingDependencyError: There is no git.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            input=stdin,
            env=_environment(environment),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        if error.filename != "git":
            raise
        raise MissingDependencyError(
            "The program git was not found.", "Install git and see that it is on the PATH."
        ) from error
    if done.returncode not in accept:
        words = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise GitError(
            f"`git {_subcommand(arguments)}` failed: {hide_credentials(words)}",
            "Put right what git says and run the command again.",
        )
    return done.returncode, done.stdout


def run_git(
    *arguments: str | os.PathLike[str],
    cwd: Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    accept: Container[int] = (0,),
) -> bytes:
    """Run git as `ask_git` does and return what it wrote to its standard output."""
    output = ask_git(*arguments, cwd=cwd, stdin=stdin, environment=environment, accept=accept)
    return output[1]


def succeeds(*arguments: str | os.PathLike[str], cwd: Path) -> bool:
    """Tell whether a git command ends with exit code 0."""
    try:
        run_git(*arguments, cwd=cwd)
    except GitError:
        return False
    return True


def find_top(folder: Path) -> Path | None:
    """The root of the work tree that a folder is in; ``None`` if it is in none.

    Raises:
        GitError: Git refuses to say, as it does about a repository of another user's.
    """
    try:
        answer = run_git("rev-parse", "--show-toplevel", cwd=folder)
    except GitError as error:
        if "not a git repository" in error.reason or "must be run in a work tree" in error.reason:
            return None
        raise
    return Path(os.fsdecode(answer.rstrip(b"\n"))).resolve()


def hide_credentials(text: str) -> str:
    """Take ``user:password@`` out of every URL in ``text``."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)


def _subcommand(arguments: tuple[str | os.PathLike[str], ...]) -> str:
    words = iter(arguments)
    for word in words:
        if word == "-c":
            next(words, None)
        elif not str(word).startswith("-"):
            return str(word)
    return ""


def _environment(added: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in REPOSITORY_VARIABLES}
    # Without optional locks `git status` writes nothing, so a plan leaves no trace.
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **(added or {})}
