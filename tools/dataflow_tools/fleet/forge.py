"""Where pull requests are opened: GitHub by its command, GitLab by options of the push."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path


class ForgeError(DataflowError):
    """The branch is pushed, but no pull request could be opened or changed."""


class Forge(StrEnum):
    """Who hosts the repository, as far as pull requests go."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True)
class PullRequest:
    """What a pull request says, and the branches that it is about."""

    branch: str
    base: str
    title: str
    body: str


def detect_forge() -> Forge:
    """The one whose CI this runs in; none on somebody's own machine."""
    if os.environ.get("GITHUB_ACTIONS"):
        return Forge.GITHUB
    return Forge.GITLAB if os.environ.get("GITLAB_CI") else Forge.NONE


def base_branch(forge: Forge) -> str:
    """The branch that CI has checked out, which may be a bare commit; empty if nobody says."""
    names = {
        Forge.GITHUB: ("GITHUB_REF_NAME",),
        Forge.GITLAB: ("CI_COMMIT_BRANCH", "CI_DEFAULT_BRANCH"),
        Forge.NONE: (),
    }[forge]
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def identity(forge: Forge) -> tuple[str, str]:
    """Name and address of whoever commits where git knows no one."""
    if forge is Forge.GITHUB:
        return "github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com"
    return "dataflow", "dataflow@localhost"


def push_options(forge: Forge, request: PullRequest) -> list[str]:
    """What a push says so that GitLab opens a merge request, or changes the one that is open."""
    # https://docs.gitlab.com/topics/git/commit/#push-options-for-merge-requests
    if forge is not Forge.GITLAB:
        return []
    options = {
        "create": None,
        "title": request.title,
        "target": request.base or None,
    }
    words = [
        f"merge_request.{name}{f'={value}' if value else ''}"
        for name, value in options.items()
        if value or name == "create"
    ]
    return [part for word in words for part in ("-o", word)]


def open_request(forge: Forge, request: PullRequest, folder: Path, *, changed: bool) -> str:
    """Open a pull request for a branch that is pushed, or bring the open one up to date.

    Args:
        changed: Whether the branch has something new. If not, a request that somebody closed stays
            closed.

    Returns:
        What became of it, in words.

    Raises:
        ForgeError: The forge refused.
        MissingDependencyError: Its command is not installed.
    """
    if forge is Forge.GITLAB:
        return "GitLab was asked for a merge request." if changed else ""
    if forge is Forge.NONE:
        return f"Open a pull request from {request.branch}." if changed else ""
    answer = _gh(folder, "pr", "list", "--head", request.branch, *_ALL)
    found = json.loads(answer or "[]")
    current = [one for one in found if one["state"] == "OPEN"]
    if found and not changed:
        return ""
    told = ("--title", request.title, "--body-file", "-")
    if current:
        _gh(folder, "pr", "edit", str(current[0]["number"]), *told, stdin=request.body)
        return f"Brought up to date: {current[0]['url']}"
    base = ("--base", request.base) if request.base else ()
    url = _gh(folder, "pr", "create", "--head", request.branch, *base, *told, stdin=request.body)
    return f"Opened {url.strip()}"


_ALL = ("--state", "all", "--json", "number,state,url")


def _gh(folder: Path, *arguments: str, stdin: str = "") -> str:
    program = shutil.which("gh")
    if program is None:
        raise MissingDependencyError(
            "The program gh, which opens pull requests on GitHub, was not found.",
            "Install it, or open a pull request from the branch by hand.",
        )
    done = subprocess.run(
        [program, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ForgeError(
            f"The branch is pushed, but `gh {arguments[0]} {arguments[1]}` failed: "
            f"{done.stderr.strip()}",
            "Allow it in the repository's settings, under Actions, General (\"Allow GitHub Actions "
            'to create and approve pull requests"), or open a pull request by hand.',
        )
    return done.stdout
