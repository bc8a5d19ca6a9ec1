"""Answers files that are gone: a workflow without one counts as made by hand."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dataflow_tools.fleet.answers_file import ANSWERS_FILE
from dataflow_tools.scaffold.git import GitError, run_git, succeeds

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project


def way_back(project: Project, folder: Path) -> str | None:
    """The command that brings a folder's answers file back, if git has one.

    Args:
        folder: A workflow's folder that has no answers file.
    """
    source = "HEAD"
    if not succeeds("cat-file", "-e", f"HEAD:./{ANSWERS_FILE}", cwd=folder):
        history = ("log", "-1", "--format=%h", "--diff-filter=D", "--", ANSWERS_FILE)
        try:
            removed = run_git(*history, cwd=folder).decode().strip()
        except GitError:
            # There is no repository, or no commit in it.
            return None
        if not removed:
            return None
        source = f"{removed}^"
    path = shlex.quote(f"{project.relative(folder)}/{ANSWERS_FILE}")
    return f"git restore --source={source} -- {path}"
