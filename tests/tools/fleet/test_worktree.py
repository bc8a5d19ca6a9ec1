"""What git knows about folders, each told from its neighbours."""

from __future__ import annotations

from pathlib import Path

from tests.tools.fleet.conftest import git, write

from dataflow_tools.fleet.tree import Entry, read_entry
from dataflow_tools.fleet.worktree import mark_conflicts, read_work_tree


def repository(folder: Path, files: dict[str, str | bytes | None]) -> Path:
    git(folder, "init", "--quiet")
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "start")
    return folder.resolve()


def test_each_folder_has_its_own_files(tmp_path: Path) -> None:
    """A folder whose name begins with another's is not that one's, in a list of any length."""
    names = ("a/x", "ab/x", "a/sub/y", "a-b/x", "z")
    root = repository(tmp_path, dict.fromkeys(names, "1"))
    write(root, {"ab/x": "2", "a/new": "1", "a/sub/y": None})
    for folders in ([root / "a", root / "ab"], [root / "a"] * 21 + [root / "ab"]):
        tree = read_work_tree(root, folders)
        assert tree.tracked_in(root / "a") == ["sub/y", "x"]
        assert tree.changed_in(root / "a") == ["sub/y"]
        assert tree.untracked_in(root / "a") == ["new"]
        assert tree.changed_in(root / "ab") == ["x"]
        assert tree.unmerged_in(root / "a") == []
    whole = read_work_tree(root, [root])
    assert whole.tracked_in(root) == sorted(names)
    assert (whole.path(root, "z"), whole.path(root / "a", "x")) == ("z", "a/x")


def test_a_conflict_is_recorded_with_the_sides_that_there_are(tmp_path: Path) -> None:
    """Three sides, or two where both added a file; git shows them as of any merge."""
    root = repository(tmp_path, {"a": "mine\n", "b": "mine\n"})
    known = read_work_tree(root, [root]).tracked["a"]
    mine, base, theirs = (Entry(text) for text in (b"mine\n", b"base\n", b"theirs\n"))
    script = [Entry(theirs.data, executable=True)]
    lines = mark_conflicts(
        root, [("a", [base, mine, theirs], known), ("b", [None, mine, *script], None)]
    )
    git(root, "update-index", "-z", "--index-info", stdin=lines.decode())
    staged = git(root, "ls-files", "--unmerged").splitlines()
    assert [(line.split()[0], *line.split()[2:]) for line in staged] == [
        ("100644", "1", "a"),
        ("100644", "2", "a"),
        ("100644", "3", "a"),
        ("100644", "2", "b"),
        ("100755", "3", "b"),
    ]
    assert [git(root, "show", f":{n}:a") for n in (1, 2, 3)] == ["base\n", "mine\n", "theirs\n"]
    tree = read_work_tree(root, [root])
    assert tree.unmerged_in(root) == ["a", "b"]
    assert tree.tracked["a"] == known


def test_contents_are_compared_whatever_git_says(tmp_path: Path) -> None:
    """Flagged files, other line ends and executable bits: only contents that git lacks are told."""
    names = ("skipped", "assumed", "same", "windows", "link")
    root = repository(tmp_path, dict.fromkeys(names, "1\n"))
    write(root, {".gitattributes": "windows text eol=crlf\n", "windows": "1\r\n"})
    git(root, "update-index", "--skip-worktree", "skipped")
    git(root, "update-index", "--assume-unchanged", "assumed", "link")
    write(root, {"skipped": "2\n", "assumed": "2\n", "link": "->same"})
    tree = read_work_tree(root, [root])
    there = {name: entry for name in names if (entry := read_entry(root / name))}
    assert tree.changed == []
    assert tree.lacking(there) == ["assumed", "link", "skipped"]
    assert tree.left_out_in(root) == {"skipped"}
    assert tree.executables is None
    git(root, "config", "core.fileMode", "false")
    assert read_work_tree(root, [root]).executables_in(root) == frozenset()


def test_git_is_asked_about_markers_where_a_file_may_have_them(tmp_path: Path) -> None:
    """Of files that are to change; no other file of a fleet is read for it."""
    conflict = "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> template 1.0.0\n"
    quoted = "".join(f"> {line}\n" for line in conflict.splitlines())
    texts = {"a/marked": conflict, "a/title": "Title\n=======\n", "a/quoted": quoted}
    root = repository(tmp_path, {**texts, "a/windows": conflict.replace("\n", "\r\n")})
    tree = read_work_tree(root, [root])
    there = {path.name: read_entry(path) for path in (root / "a").iterdir()}
    assert tree.marked_among(root / "a", {"title": there["title"], "new": None}) == []
    assert "marked" not in vars(tree)
    assert tree.marked_among(root / "a", {"quoted": there["quoted"]}) == []
    assert tree.marked_among(root / "a", there) == tree.marked_in(root / "a")
    assert tree.marked_in(root / "a") == ["marked", "windows"]
