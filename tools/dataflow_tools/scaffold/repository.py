"""The git repository of a new project, with its first commit and the hook that checks commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow_tools.scaffold.git import GitError, find_top, run_git, succeeds

if TYPE_CHECKING:
    from pathlib import Path

_MESSAGE = "New project, made with dataflow init"
# pre-commit writes the path of the environment that it was called from into its hook, and a new
# project has none yet.
_HOOK = """\
#!/bin/sh
# Runs the hooks of .pre-commit-config.yaml, from the project's own environment if it has one.
root=$(git rev-parse --show-toplevel) || exit 1
PATH="$root/.venv/bin:$PATH"
if command -v pre-commit >/dev/null; then
    exec pre-commit hook-impl --config=.pre-commit-config.yaml --hook-type=pre-commit \\
        --hook-dir "$(cd "$(dirname "$0")" && pwd)" -- "$@"
fi
echo 'pre-commit is not installed, so nothing was checked. Install it: uv sync' >&2
"""


@dataclass(frozen=True)
class Begun:
    """What became of a project's repository.

    Args:
        is_committed: Whether the project's files are in its first commit.
        why_not: What is to be known if they are not; empty if that was not asked for.
    """

    is_committed: bool
    why_not: str = ""


def begin_repository(folder: Path) -> Begun:
    """Make a new project a git repository with one commit, on the branch ``main``.

    A repository that it lies in stays as it is, and so does one of its own that has commits.

    Raises:
        MissingDependencyError: There is no git.
    """
    top = find_top(folder)
    if top is not None and top != folder.resolve():
        return Begun(
            is_committed=False,
            why_not=f"It lies in the repository {top}, which you commit to yourself.",
        )
    if top is None:
        run_git("init", "--quiet", cwd=folder)
        # `init --initial-branch` came with git 2.28.
        run_git("symbolic-ref", "HEAD", "refs/heads/main", cwd=folder)
    elif succeeds("rev-parse", "--verify", "--quiet", "HEAD", cwd=folder):
        return Begun(is_committed=False, why_not="Its repository has commits of yours already.")
    run_git("add", "--all", cwd=folder)
    try:
        # A hook or a signing key of the person's own has no say in what is not their work yet.
        run_git(
            *("-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "-m", _MESSAGE),
            cwd=folder,
        )
    except GitError as error:
        reason = "git does not know who you are. Tell it, and commit:\n"
        commands = (
            "  git config --global user.name 'Your Name'\n"
            "  git config --global user.email you@example.org\n"
            f"  git -C {folder} commit -m 'New project'"
        )
        is_nameless = "tell me who you are" in error.reason.lower() or "ident" in error.reason
        place_hook(folder)
        return Begun(is_committed=False, why_not=reason + commands if is_nameless else error.reason)
    place_hook(folder)
    return Begun(is_committed=True)


def place_hook(folder: Path) -> None:
    """Have ``git commit`` run the project's hooks, unless it has a hook, or hooks elsewhere."""
    if succeeds("config", "--get", "core.hooksPath", cwd=folder):
        return
    hooks = folder / ".git" / "hooks"
    if not hooks.parent.is_dir() or (hooks / "pre-commit").exists():
        return
    hooks.mkdir(exist_ok=True)
    hook = hooks / "pre-commit"
    hook.write_text(_HOOK, encoding="utf-8")
    hook.chmod(0o755)
