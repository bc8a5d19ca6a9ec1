"""What a pull request of the weekly job says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.project import Project
from dataflow_tools.fleet.proposal import _LONGEST, _for_reviewers, _has_conflict, _there, _Work


@pytest.mark.parametrize(
    ("target", "needs_hand", "title"),
    [
        ("1.1.0", False, "{} to 1.1.0"),
        ("1.1.0", True, "{} to 1.1.0: needs a hand"),
        ("", True, "{}: needs a hand"),
        ("", False, "{}"),
    ],
)
def test_the_title_says_what_it_goes_to_and_whether_somebody_is_needed(
    target: str, title: str, *, needs_hand: bool
) -> None:
    """The commit says the same, and the whole report."""
    work = _Work(["all"], target=target, needs_hand=needs_hand)
    assert work.title == title.format(_Work().title)
    assert work.message == f"{work.title}\n\nall"


def test_a_report_is_cut_where_a_forge_would_refuse_it() -> None:
    """And says so; a patch of what was left out stands below it, with how to apply it."""
    short, long = ("a" * length for length in (_LONGEST - 1, _LONGEST))
    assert _Work([short]).body == f"````text\n{short}\n````\n"
    assert f"{long}\n... and more\n````" in _Work([long]).body
    assert _Work(["a"], left_out="+ b").body.endswith("\n````diff\n+ b\n````\n")


def test_reviewers_are_not_told_what_to_do_with_uncommitted_changes() -> None:
    """What there is to decide is decided on the branch."""
    steps = ["Next:", "  Look at it and commit: x", "  a: fix it, or undo with: y"]
    conflict = "  Resolve it (`git mergetool` works)"
    assert _for_reviewers(["one", *steps]) == ["one"]
    assert _for_reviewers([*steps, conflict]) == ["Next:", "  Resolve it on this branch"]
    assert _for_reviewers(steps[:1]) == _for_reviewers([]) == []


def test_a_project_file_that_cannot_be_read_is_no_sound_one(tmp_path: Path) -> None:
    """Nothing is installed from it."""
    assert _has_conflict(Project(tmp_path))
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    assert not _has_conflict(Project(tmp_path))
    sides = "<<<<<<< yours\na = 1\n=======\na = 2\n>>>>>>> template\n"
    (tmp_path / "pyproject.toml").write_text(f"[tool.dataflow]\n{sides}")
    assert _has_conflict(Project(tmp_path))
    (tmp_path / "dangling").symlink_to("nowhere")
    assert _there(tmp_path, ["pyproject.toml", "gone", "dangling"]) == [
        "pyproject.toml",
        "dangling",
    ]
