"""Where pull requests are opened, and what is said there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from dataflow.shared.errors import MissingDependencyError
from dataflow_tools.fleet.forge import (
    Forge,
    ForgeError,
    PullRequest,
    base_branch,
    detect_forge,
    identity,
    open_request,
    push_options,
)

REQUEST = PullRequest("update", "main", "Update to 2", "What changed\n")
OPEN = {"number": 7, "state": "OPEN", "url": "https://forge/7"}
CLOSED = OPEN | {"state": "CLOSED"}
# Notes what it is asked, and answers as the test has written down.
GH = """\
#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as asked:
    asked.write(json.dumps([*sys.argv[1:], sys.stdin.read()]) + "\\n")
answer = here / sys.argv[2]
sys.exit("not allowed") if not answer.exists() else print(answer.read_text())
"""


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a command `gh`, which refuses whatever has no answer in it."""
    program = tmp_path / "gh"
    program.write_text(GH.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def asked(gh: Path) -> list[list[str]]:
    return [json.loads(line) for line in (gh / "asked").read_text().splitlines()]


@pytest.mark.parametrize(
    ("variables", "forge", "base"),
    [
        ({"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main"}, Forge.GITHUB, "main"),
        (
            {"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "", "CI_DEFAULT_BRANCH": "trunk"},
            Forge.GITLAB,
            "trunk",
        ),
        ({"GITHUB_REF_NAME": "main"}, Forge.NONE, ""),
    ],
)
def test_ci_says_which_forge_it_is_of_and_the_branch(
    variables: dict[str, str], forge: Forge, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's CI is nobody's forge, whatever else is set."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_REF_NAME", "CI_COMMIT_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (detect_forge(), base_branch(forge)) == (forge, base)
    assert ("github-actions" in identity(forge)[0]) == (forge is Forge.GITHUB)


def test_gitlab_is_asked_by_the_push() -> None:
    """With the target, where one is known; nobody else is asked so."""
    options = push_options(Forge.GITLAB, REQUEST)
    assert options[1::2] == [
        "merge_request.create",
        "merge_request.title=Update to 2",
        "merge_request.target=main",
    ]
    assert set(options[::2]) == {"-o"}
    without = push_options(Forge.GITLAB, PullRequest("update", "", "Update to 2", ""))
    assert without == options[:4]
    assert push_options(Forge.GITHUB, REQUEST) == push_options(Forge.NONE, REQUEST) == []


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (Forge.GITLAB, "GitLab was asked for a merge request."),
        (Forge.NONE, "Open a pull request from update."),
    ],
)
def test_a_branch_without_news_asks_for_nothing(forge: Forge, told: str, tmp_path: Path) -> None:
    """Only what has changed is worth a request."""
    assert open_request(forge, REQUEST, tmp_path, changed=True) == told
    assert open_request(forge, REQUEST, tmp_path, changed=False) == ""


@pytest.mark.parametrize(
    ("found", "changed", "told", "done"),
    [
        ([], True, "Opened https://forge/8", ["create"]),
        ([CLOSED], True, "Opened https://forge/8", ["create"]),
        ([CLOSED, OPEN], True, "Brought up to date: https://forge/7", ["edit"]),
        # One that a person closed stays closed until there is something new.
        ([CLOSED], False, "", []),
        ([OPEN], False, "", []),
        # Pushed by a run that could not open it.
        ([], False, "Opened https://forge/8", ["create"]),
    ],
)
def test_github_has_one_request_that_is_kept_up_to_date(
    found: list[object], changed: bool, told: str, done: list[str], gh: Path
) -> None:
    """It is opened once and then changed; what somebody closed is left until there is news."""
    (gh / "list").write_text(json.dumps(found))
    (gh / "create").write_text("https://forge/8\n")
    (gh / "edit").write_text("")
    assert open_request(Forge.GITHUB, REQUEST, gh, changed=changed) == told
    assert [one[1] for one in asked(gh)] == ["list", *done]
    for one in asked(gh)[1:]:
        assert one[-1] == REQUEST.body
        assert one[one.index("--title") + 1] == REQUEST.title
        assert one[2] == "7" or one[one.index("--base") + 1] == "main"


def test_what_github_refuses_is_told_with_its_words(gh: Path) -> None:
    """The branch is there; the reason and the setting that allows it are named."""
    (gh / "list").write_text("[]")
    with pytest.raises(ForgeError, match="`gh pr create` failed: not allowed") as refused:
        open_request(Forge.GITHUB, REQUEST, gh, changed=True)
    assert "Allow GitHub Actions" in refused.value.instruction


def test_without_its_program_github_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The missing program is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="program gh"):
        open_request(Forge.GITHUB, REQUEST, tmp_path, changed=True)
