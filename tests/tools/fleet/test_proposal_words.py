"""What a pull request of the weekly job says."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow_tools.fleet import proposal
from dataflow_tools.fleet.forge import Forge
from dataflow_tools.fleet.proposal import (
    _LONGEST,
    _for_reviewers,
    _has_conflict,
    _install,
    _read,
    _there,
    _Work,
    propose_update,
)


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


@pytest.mark.parametrize(
    ("command", "is_installed", "told"),
    [
        ("true", True, ""),
        ("sh -c 'seq 9 >&2; exit 3'", False, "  2"),
        ("no-such-command-anywhere", False, "  [Errno 2]"),
    ],
)
def test_an_installation_that_fails_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, is_installed: bool, told: str
) -> None:
    """And with the command, so that a person can try it."""
    monkeypatch.setattr(proposal, "install_command", lambda _: command)
    work, said = _Work(), list[str]()
    assert _install(Project(tmp_path), work, said.append) is is_installed
    assert said == [f"installing: {command}"]
    if is_installed:
        assert work.report == []
        return
    assert work.report[0].endswith(f"so nothing was checked: {command}")
    assert work.report[1].startswith(told)
    assert (work.report[-1], len(work.report) <= 10) == ("", True)


def test_a_project_that_git_does_not_have_cannot_be_proposed_for(tmp_path: Path) -> None:
    """It says what to do first; a pyproject.toml that is not there has no pins."""
    with pytest.raises(BadInputError, match="not in a git repository"):
        propose_update(Project(tmp_path), "updates", Forge.NONE)
    assert _read(Project(tmp_path)) == b""
    (tmp_path / "pyproject.toml").write_text("[tool.dataflow]\n")
    assert _read(Project(tmp_path)) == b"[tool.dataflow]\n"
    assert not _has_conflict(Project(tmp_path))
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")
    assert _has_conflict(Project(tmp_path))
