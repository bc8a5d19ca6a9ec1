"""Whether git has, or would be given, the files of a project's folder of secrets."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow.shared.finding import Finding
from dataflow_tools.checks.protocol import Verdict, judged, not_applicable
from dataflow_tools.scaffold.git import run_git

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

_MOST_NAMED = 3


def exposed_secrets(project: Project) -> tuple[Finding, ...]:
    """What is wrong with a ``secrets_dir`` inside of the project; nothing if it lies elsewhere."""
    folder = _inside(project)
    return () if folder is None else _exposed(project.root, folder)


def diagnose_secrets(project: Project) -> dict[str, Verdict]:
    """Doctor's line about the folder of secrets."""
    folder = _inside(project)
    if folder is None:
        return {"secrets": not_applicable("secrets_dir is not in the project")}
    return {"secrets": judged(_exposed(project.root, folder), f"git leaves {folder}/ alone")}


def _inside(project: Project) -> str | None:
    """The folder as it is called in the project; None if it is not in it, or cannot be known."""
    try:
        # An absolute one stays as it is.
        folder = (project.root / project.settings.secrets_dir).resolve()
    except (DataflowError, OSError):
        # What is wrong with the settings is said where they are looked at.
        return None
    root = project.root.resolve()
    if folder == root or not folder.is_relative_to(root):
        return None
    return folder.relative_to(root).as_posix()


@cache
def _exposed(root: Path, folder: str) -> tuple[Finding, ...]:
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder)
    try:
        names = [name for name in run_git(*listing, cwd=root).decode().split("\0") if name]
    except DataflowError:
        # No repository, or no git: then nothing is committed either.
        return ()
    if not names:
        return ()
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (
        Finding(
            f"git has {', '.join(names[:_MOST_NAMED])}{more} of the folder of secrets, or "
            "gets them with the next `git add`.",
            f"Write /{folder}/ into .gitignore, `git rm -r --cached --ignore-unmatch {folder}`, "
            "and change those that were committed where they are valid: git remembers.",
            ".gitignore",
        ),
    )
