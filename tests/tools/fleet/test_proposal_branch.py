"""The branch that an update is proposed on, against a bare remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tools.fleet.conftest import git, write

from dataflow.shared.errors import BadInputError
from dataflow_tools.fleet.proposal_branch import (
    Branch,
    PushedMeanwhileError,
    commit_all,
    merged_tree,
    read_branch,
    tree_of,
    without_guarded,
)
from dataflow_tools.scaffold.git import GitError

if TYPE_CHECKING:
    from pathlib import Path

AUTHOR = ("dataflow", "dataflow@localhost")
CI = ".github/workflows/ci.yml"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A clone of a bare remote, with one commit."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "remote.git")
    git(tmp_path, "clone", "-q", "remote.git", "clone")
    clone = tmp_path / "clone"
    write(clone, {"a": "1\n", CI: "old\n"})
    commit(clone, "first")
    git(clone, "push", "-q", "origin", "HEAD:main")
    return clone


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", message)


def read(top: Path) -> Branch:
    return read_branch(top, "origin", "update")


def proposed(top: Path, branch: Branch, files: dict[str, str]) -> str:
    """Our commit of these files."""
    write(top, dict(files))
    return commit_all(top, branch.start, "Update", list(files), AUTHOR)


def test_our_own_branch_is_made_anew_on_the_base(top: Path) -> None:
    """It has no commits of others, so the base is where the next update starts."""
    branch = read(top)
    assert (branch.tip, branch.foreign) == (None, ())
    ours = proposed(top, branch, {"a": "2\n", "b": "1\n"})
    assert branch.adds(tree_of(top, ours))
    branch.push(ours, [])

    again = read(top)

    assert (again.tip, again.foreign, again.start) == (ours, (), branch.base)
    assert not again.adds(tree_of(top, ours))
    assert again.adds(tree_of(top, again.base))


def test_commits_of_others_are_gone_on_from_until_they_are_merged(
    top: Path, tmp_path: Path
) -> None:
    """Each is named, also one that was amended; merged, the base counts again."""
    read(top).push(proposed(top, read(top), {"a": "2\n"}), [])
    git(top, "checkout", "-q", "--force", "-b", "mine", "origin/update")
    write(top, {"c": "mine\n"})
    commit(top, "My own")
    git(top, "push", "-q", "origin", "mine:update")
    git(top, "checkout", "-q", "main")

    theirs = read(top)

    assert [line.split(" ", 1)[1] for line in theirs.foreign] == ["My own (T)"]
    assert theirs.start == theirs.tip != theirs.base
    git(top, "checkout", "-q", "mine")
    git(top, "reset", "-q", "--soft", "main")
    git(top, "commit", "-q", "-m", "Squashed")
    assert read(top).foreign == ()
    assert read(top).start == read(top).base


def test_whoever_pushed_meanwhile_is_not_overwritten(top: Path) -> None:
    """Their commit stays; a remote that refuses for another reason says which."""
    branch = read(top)
    ours = proposed(top, branch, {"a": "2\n"})
    git(top, "push", "-q", "origin", f"{branch.base}:refs/heads/update")
    with pytest.raises(PushedMeanwhileError, match="pushed to update"):
        branch.push(ours, [])
    assert read(top).tip == branch.base
    hook = top.parent / "remote.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho not today; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="not today"):
        read(top).push(ours, [])


def test_a_remote_without_push_options_gets_the_branch_alone(top: Path) -> None:
    """GitLab's way to ask for a request is left out where nobody understands it."""
    branch = read(top)
    ours = proposed(top, branch, {"a": "2\n"})
    branch.push(ours, ["-o", "merge_request.create"])
    assert read(top).tip == ours


def test_only_what_is_tracked_or_named_is_committed(top: Path) -> None:
    """A stray file of somebody's stays out, also one that git ignores in a named folder."""
    write(top, {"stray": "x\n", ".gitignore": "*.log\n", "new/a": "1\n", "new/b.log": "1\n"})
    branch = read(top)
    ours = commit_all(top, branch.start, "Update", ["new", "gone"], AUTHOR)
    changed = git(top, "diff", "--name-only", branch.base, ours).split()
    assert changed == ["new/a"]


def test_files_that_a_forge_guards_can_be_left_out(top: Path) -> None:
    """With a patch that adds them; there is none where no such file changes."""
    branch = read(top)
    plain = proposed(top, branch, {"a": "2\n"})
    assert without_guarded(top, branch.base, plain) is None
    ours = proposed(top, branch, {CI: "new\n"})

    left_out = without_guarded(top, branch.base, ours)

    assert left_out is not None
    tree, patch = left_out
    assert tree == tree_of(top, plain)
    git(top, "checkout", "-q", "--force", "--detach", plain)
    git(top, "apply", "--index", "-", stdin=patch)
    assert git(top, "write-tree").strip() == tree_of(top, ours)


def test_what_conflicts_has_no_merged_tree(top: Path) -> None:
    """Else it is what a merge gives."""
    branch = read(top)
    one, other, same = (proposed(top, branch, {"a": text}) for text in ("2\n", "3\n", "2\n"))
    assert merged_tree(top, one, other) is None
    assert merged_tree(top, one, same) == tree_of(top, one)


def test_without_the_remote_there_is_nowhere_to_push(top: Path) -> None:
    """Its name is said, and how to add it."""
    with pytest.raises(BadInputError, match="no remote called 'upstream'"):
        read_branch(top, "upstream", "update")
