"""Propose an update: on a branch of its own, checked with the new library, as a pull request.

This is what the project's CI does each week. The process that does it runs the old library while
the new one is installed, so that everything it needs is imported before.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError
from dataflow.shared.project_file import PROJECT_FILE, read_project_file
from dataflow_tools.fleet import library_pins
from dataflow_tools.fleet.forge import Forge, PullRequest, base_branch, identity, open_request
from dataflow_tools.fleet.forge import push_options as options_of
from dataflow_tools.fleet.library_install import install_command
from dataflow_tools.fleet.proposal_branch import (
    Branch,
    commit_all,
    commit_tree,
    read_branch,
    tree_of,
    without_guarded,
)
from dataflow_tools.fleet.report import report_lines
from dataflow_tools.fleet.safety import UncommittedError
from dataflow_tools.fleet.update import Request, update_workflows
from dataflow_tools.scaffold.git import GitError, ask_git, find_top, run_git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from dataflow.shared.project import Project

LOCK_FILE = "uv.lock"
_TITLE = "Update from the template"
_STEPS_OF_ONE = ("  Look at it and commit: ", "  Then commit: ")
# Characters of a report, or of a patch, that a pull request has.
_LONGEST = 30_000


@dataclass(frozen=True)
class Proposal:
    """What was proposed.

    Args:
        lines: What happened, for people.
        failed: Whether something went wrong that no pull request shows.
    """

    lines: list[str]
    failed: bool = False


@dataclass
class _Work:
    """An update in the making.

    Args:
        report: What it says about itself.
        paths: Where new files may be, from the repository's root.
        target: The version that it goes to.
        needs_hand: Whether a person has to do something before it can be merged.
        left_out: A patch of what the remote does not take.
    """

    report: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    target: str = ""
    needs_hand: bool = False
    left_out: str = ""

    @property
    def title(self) -> str:
        """One line about it."""
        to = f" to {self.target}" if self.target else ""
        return f"{_TITLE}{to}{': needs a hand' if self.needs_hand else ''}"

    @property
    def message(self) -> str:
        """What the commit says."""
        return "\n".join([self.title, "", *self.report])

    @property
    def body(self) -> str:
        """What the pull request says."""
        text = f"````text\n{_cut(self.report)}\n````\n"
        if self.left_out:
            text += (
                "\nLeft out, since the token that this was pushed with may not change such files. "
                "The template will not bring it again: save it as `left-out.patch`, and "
                "`git apply left-out.patch` on this branch.\n"
                f"\n````diff\n{_cut(self.left_out.splitlines())}\n````\n"
            )
        return text


def propose_update(
    project: Project,
    branch_name: str,
    forge: Forge,
    remote: str = "origin",
    progress: Callable[[str], None] = lambda _: None,
) -> Proposal:
    """Update the project and its workflows on a branch, and open a pull request for it.

    Commits of other people on the branch are never overwritten: the update goes on from them. What
    is checked out is afterwards as it was before.

    Raises:
        BadInputError: Git has nowhere to push to, or the checkout has uncommitted changes.
        PushedMeanwhileError: Somebody pushed to the branch in the meantime.
        ForgeError: The branch is pushed, but the pull request could not be opened.
    """
    top = find_top(project.root)
    if top is None:
        raise BadInputError(
            f"{project.root} is not in a git repository.", "Run `git init` and commit everything."
        )
    _refuse_dirty(top, project)
    progress(f"looking at the branch {branch_name}")
    branch = read_branch(top, remote, branch_name)
    lines = []
    if branch.foreign:
        lines.append(f"{branch_name} has commits of others, which stay as they are:")
        lines += [f"  {line}" for line in branch.foreign]
    before, pins, work = _head(top), _read(project), _Work()
    run_git("checkout", "--quiet", "--force", "--detach", branch.start, cwd=top)
    try:
        work = _update(project, top, pins, progress)
        commit = commit_all(top, branch.start, work.message, work.paths, identity(forge))
        progress("pushing")
        done, shown = _push(branch, commit, work, forge, before)
    finally:
        # New files of the update would be in the way of nothing but the next one.
        run_git("add", "--all", "--", *_there(top, work.paths), cwd=top)
        run_git("checkout", "--quiet", "--force", *before, cwd=top)
    return Proposal([*work.report, *lines, *done], failed=work.needs_hand and not shown)


def _refuse_dirty(top: Path, project: Project) -> None:
    lock = (project.root.resolve() / LOCK_FILE).relative_to(top).as_posix()
    changed = run_git("diff", "--name-only", "-z", "HEAD", "--", cwd=top).decode().split("\0")
    # Installing what the project asks for, as CI does first, may have brought it up to date.
    mine = [path for path in changed if path and not (path == lock and os.environ.get("CI"))]
    if mine:
        raise BadInputError(
            f"Uncommitted changes in {', '.join(mine[:5])}. Nothing was done.",
            "Commit or stash them: an update is proposed from what is committed.",
        )


def _head(top: Path) -> list[str]:
    code, name = ask_git("symbolic-ref", "--quiet", "--short", "HEAD", cwd=top, accept=range(2))
    if code == 0:
        return [name.decode().strip()]
    return ["--detach", run_git("rev-parse", "HEAD", cwd=top).decode().strip()]


def _there(top: Path, paths: list[str]) -> list[str]:
    return [path for path in paths if os.path.lexists(top / path)]


def _read(project: Project) -> bytes:
    try:
        return (project.root / library_pins.FILE).read_bytes()
    except OSError:
        return b""


def _for_reviewers(lines: Iterable[str]) -> list[str]:
    """A report without the steps of somebody who sits before uncommitted changes."""
    kept = [
        line.replace(" (`git mergetool` works)", " on this branch")
        for line in lines
        if not line.startswith(_STEPS_OF_ONE) and ": fix it, or undo with: " not in line
    ]
    return kept[:-1] if kept and kept[-1] == "Next:" else kept


def _has_conflict(project: Project) -> bool:
    try:
        return read_project_file(project.root / PROJECT_FILE).conflict is not None
    except (OSError, UnicodeDecodeError, BadInputError):
        return True


def _cut(lines: list[str]) -> str:
    text = "\n".join(lines)
    # GitHub takes 65,536 characters in all.
    return text if len(text) < _LONGEST else f"{text[:_LONGEST]}\n... and more"


def _update(project: Project, top: Path, pins: bytes, progress: Callable[[str], None]) -> _Work:
    """Update the project, install what it asks for then, and update and check the workflows.

    Args:
        pins: The pyproject.toml that the installed library is that of.
    """
    work = _Work()
    root = project.root.resolve()
    try:
        report = update_workflows(project, Request(workflows=False, project=True), progress)
    except UncommittedError as error:
        # Somebody has begun to resolve its conflicts on this branch, and is not done.
        work.report += [error.reason, error.instruction]
        work.needs_hand = True
        return work
    work.report += [*_for_reviewers(report_lines(report, lambda text, _: text)), ""]
    work.needs_hand = report.exit_code != 0
    work.paths = [project.workflows_dir.resolve().relative_to(top).as_posix()]
    for outcome in report.outcomes:
        work.target = outcome.target or ""
        changed = [change.path for change in outcome.changes if change.before != change.after]
        work.paths += [(root / path).relative_to(top).as_posix() for path in changed]
    if _has_conflict(project):
        work.report.append(
            f"{library_pins.FILE} has conflicts, so nothing could be installed, and the workflows "
            "were left as they are. Resolve them on this branch; the next run goes on from there."
        )
        work.needs_hand = True
        return work
    sound = _read(project) == pins or _install(project, work, progress)
    progress("updating and checking the workflows")
    # A process of its own, which imports the library as it is now.
    code = "from dataflow.cli.main import main; main()"
    arguments = ["workflow", "update", "--all", *(["--check"] if sound else [])]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=project.root,
        env={**os.environ, "DATAFLOW_PROJECT": str(project.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    work.report += _for_reviewers(done.stdout.splitlines())
    if done.returncode not in (0, 1):
        work.report += done.stderr.splitlines()
    work.needs_hand = work.needs_hand or done.returncode != 0 or not sound
    return work


def _install(project: Project, work: _Work, progress: Callable[[str], None]) -> bool:
    """Install what pyproject.toml asks for now, which renews the lock file as well."""
    command = install_command(project.root)
    progress(f"installing: {command}")
    try:
        done = subprocess.run(
            shlex.split(command), cwd=project.root, capture_output=True, text=True, check=False
        )
        words, code = done.stderr.strip().splitlines(), done.returncode
    except OSError as error:
        words, code = [str(error)], 1
    if code == 0:
        return True
    work.report += [
        f"The new version could not be installed, so nothing was checked: {command}",
        *(f"  {line}" for line in words[-8:]),
        "",
    ]
    return False


def _push(
    branch: Branch, commit: str, work: _Work, forge: Forge, before: list[str]
) -> tuple[list[str], bool]:
    """Push what is new, and have a pull request for it.

    Returns:
        What became of it, and whether a pull request shows it.
    """
    top, author = branch.top, identity(forge)
    base = base_branch(forge) or (before[0] if len(before) == 1 else "")
    pushed, tree = False, tree_of(top, commit)
    lines: list[str] = []
    if tree == tree_of(top, branch.start):
        return ["Nothing is new."], bool(branch.foreign)
    if branch.adds(tree):
        request = PullRequest(branch.name, base, work.title, work.body)
        try:
            branch.push(commit, options_of(forge, request))
            pushed = True
        except GitError as error:
            partial = without_guarded(top, branch.start, commit)
            if partial is None:
                raise
            tree, work.left_out = partial
            lines = [
                "Files of CI were left out, since the remote did not take them.",
                *(f"  {line}" for line in error.reason.splitlines()[-4:]),
            ]
            if forge is not Forge.GITHUB:
                lines += ["The patch, for `git apply`:", *work.left_out.splitlines()]
            work.needs_hand = True
            if tree != tree_of(top, branch.start) and branch.adds(tree):
                commit = commit_tree(top, branch.start, work.message, tree, author)
                request = PullRequest(branch.name, base, work.title, work.body)
                branch.push(commit, options_of(forge, request))
                pushed = True
    request = PullRequest(branch.name, base, work.title, work.body)
    told = open_request(forge, request, top, changed=pushed)
    first = f"Pushed to {branch.name}." if pushed else "Nothing is new since the last run."
    return [*lines, first, *([told] if told else [])], True
