"""A template's repository, and its working tree as a version beside the released ones."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from packaging.version import Version as Release

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.export import CONFIG_FILES
from dataflow_tools.fleet.versions import Template, Version
from dataflow_tools.scaffold.git import GitError, find_top, run_git, succeeds

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "DATAFLOW"), ("EMAIL", "dataflow@localhost"))
}


def find_template(folder: Path) -> Path:
    """The root of the template's repository that a folder is in.

    Raises:
        BadInputError: It is in none, or that is no template.
    """
    top = find_top(folder) if folder.is_dir() else None
    if top is None:
        raise BadInputError(
            f"{folder} is not in a git repository.",
            "Change into your fork of the template, the folder with copier.yml.",
        )
    if not any((top / name).is_file() for name in CONFIG_FILES):
        raise BadInputError(
            f"{top} has no copier.yml, so it is not a template.",
            "Change into your fork of the template. A template has to be the root of its "
            "repository: in a subfolder it has no versions.",
        )
    if not succeeds("rev-parse", "--verify", "--quiet", "HEAD", cwd=top):
        raise BadInputError(f"{top} has no commit yet.", "Commit the template, then run it again.")
    return top


def next_tag(releases: list[str]) -> str:
    """A tag behind all releases, for what is not released yet."""
    if not releases:
        return "v0.0.0+check"
    last = Release(releases[-1])
    prefix = "v" if releases[-1].startswith("v") else ""
    patch = last.micro if last.is_prerelease else last.micro + 1
    return f"{prefix}{last.major}.{last.minor}.{patch}+check"


def take_snapshot(root: Path, folder: Path) -> tuple[Template, Version]:
    """Clone a template and make a version of its working tree, as it lies there.

    Args:
        root: The template's repository, of which nothing is changed.
        folder: Where the clone goes; it must not exist.

    Returns:
        The clone, with all tags, and the version of the working tree.

    Raises:
        BadInputError: The clone has no history to update from.
    """
    if _is_shallow(root):
        raise BadInputError(
            f"{root} is a shallow clone, without the history that older instances come from.",
            "Fetch it: git fetch --unshallow --tags. In GitHub's CI: `fetch-depth: 0` of "
            "actions/checkout.",
        )
    quiet = ("-c", "advice.detachedHead=false", "-c", "core.hooksPath=/dev/null")
    run_git(*quiet, "clone", "--quiet", "--no-checkout", "--", root, folder, cwd=root)
    listed = run_git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=root)
    for name in os.fsdecode(listed).split("\0")[:-1]:
        source = root / name
        if source.is_symlink() or source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name, follow_symlinks=False)
    run_git(*quiet, "add", "--all", "--force", cwd=folder)
    run_git(
        *(*quiet, "-c", "commit.gpgSign=false", "commit", "--quiet", "--allow-empty"),
        *("--no-verify", "-m", "The working tree"),
        cwd=folder,
        environment=IDENTITY,
    )
    template = Template(str(folder), folder)
    tag = next_tag(template.releases)
    run_git("-c", "tag.gpgSign=false", "tag", tag, cwd=folder)
    return Template(str(folder), folder), template.version(f"refs/tags/{tag}")


def _is_shallow(root: Path) -> bool:
    try:
        answer = run_git("rev-parse", "--is-shallow-repository", cwd=root)
    except GitError:
        return False
    return answer.strip() == b"true"
