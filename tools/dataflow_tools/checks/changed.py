"""Which workflows a change is about: those whose files it has, and those that come after them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.shared.upstream import is_workflow_folder, named_in, upstream_of
from dataflow_tools.scaffold.git import GitError, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dataflow.shared.project import Project

# What every workflow stands on, from the project's folder; and all code that is no workflow's own.
_OF_ALL = frozenset(("pyproject.toml", "uv.lock", ".copier-answers.yml"))


def changed_workflows(project: Project, ref: str) -> list[str]:
    """The workflows that differ from a commit, committed or not, and those that run after them.

    Args:
        ref: A branch, tag or commit. What has come to it since the two parted does not count.

    Returns:
        Their ids, in order. All, if something differs that all of them stand on.

    Raises:
        BadInputError: There is no such commit here, or no repository.
    """
    paths = _changed_paths(project.root, ref)
    workflows = project.workflows_dir
    known = sorted(path.name for path in workflows.glob("*") if is_workflow_folder(path))
    prefix = f"{workflows.relative_to(project.root).as_posix()}/"
    source = f"{project.source_dir.relative_to(project.root).as_posix()}/"
    changed = set()
    for path in paths:
        name, _, inside = path.removeprefix(prefix).partition("/")
        if path.startswith(prefix) and inside:
            changed.add(name)
        elif path in _OF_ALL or (path.startswith(source) and path.endswith(".py")):
            return known
    return [name for name in known if name in _with_those_after(changed, known, workflows)]


def _changed_paths(root: Path, ref: str) -> set[str]:
    try:
        base = run_git("merge-base", ref, "HEAD", cwd=root).decode().strip()
        differing = ("diff", "--name-only", "-z", "--relative", "--no-renames", base)
        untracked = ("ls-files", "-z", "--others", "--exclude-standard")
        listed = [run_git(*arguments, cwd=root) for arguments in (differing, untracked)]
    except GitError as error:
        raise BadInputError(
            f"What has changed since {quoted(ref)} cannot be told: {error.reason}",
            "Name a branch, tag or commit that is here. In CI, check out the whole history "
            "(`fetch-depth: 0`, `GIT_DEPTH: 0`), or fetch that branch.",
        ) from error
    return {os.fsdecode(name) for output in listed for name in output.split(b"\0") if name}


def _with_those_after(changed: set[str], known: Iterable[str], workflows: Path) -> set[str]:
    found = set(changed)
    names = {
        name: set(map(upstream_of, named_in(workflows / name / "config.yaml"))) for name in known
    }
    while more := {name for name, before in names.items() if before & found} - found:
        found |= more
    return found
