"""Pull requests by the command line of a code host: ``gh`` for GitHub, ``glab`` for GitLab."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dataflow.shared.errors import DataflowError, MissingDependencyError
from dataflow_tools.scaffold.git import hide_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("auto", "gh", "glab", "none")
_SECONDS = 120
_URL = re.compile(r"https?://[^\s\"']+")


class PullRequestError(DataflowError):
    """A code host's command line did not do what it was asked to."""


class CodeHost(Protocol):
    """A command line that opens pull requests."""

    program: str

    def find(self, clone: Path, branch: str) -> str | None:
        """The address of a branch's pull request, whatever became of it; ``None`` if none is."""

    def create(self, clone: Path, proposal: Proposal) -> str:
        """Open a pull request and return its address."""


@dataclass(frozen=True)
class Proposal:
    """A pull request to open.

    Args:
        branch: What is proposed.
        into: The branch that it is proposed for.
    """

    branch: str
    into: str
    title: str
    body: str


class GitHub:
    """The ``gh`` command (https://cli.github.com/manual/gh_pr_create)."""

    program = "gh"

    def find(self, clone: Path, branch: str) -> str | None:
        """Look among open, merged and closed ones: what a person closed is not opened again."""
        what = ("pr", "list", "--head", branch, "--state", "all", "--json", "url", "--limit", "1")
        found = _json(self.program, _run(self.program, what, clone))
        return str(found[0]["url"]) if found else None

    def create(self, clone: Path, proposal: Proposal) -> str:
        """Open one; one that is there already is the answer as well."""
        what = (
            *("pr", "create", "--head", proposal.branch, "--base", proposal.into),
            *("--title", proposal.title, "--body", proposal.body),
        )
        return _address(self.program, _run(self.program, what, clone, there="already exists"))


class GitLab:
    """The ``glab`` command (https://gitlab.com/gitlab-org/cli)."""

    program = "glab"

    def find(self, clone: Path, branch: str) -> str | None:
        """Look among open, merged and closed ones: what a person closed is not opened again."""
        what = ("mr", "list", "--source-branch", branch, "--all", "--output", "json")
        found = _json(self.program, _run(self.program, what, clone))
        return str(found[0]["web_url"]) if found else None

    def create(self, clone: Path, proposal: Proposal) -> str:
        """Open one; one that is there already is the answer as well."""
        what = (
            *("mr", "create", "--source-branch", proposal.branch),
            *("--target-branch", proposal.into, "--title", proposal.title),
            *("--description", proposal.body, "--yes"),
        )
        return _address(self.program, _run(self.program, what, clone, there="already exists"))


def code_host(kind: str, address: str) -> CodeHost | None:
    """What opens pull requests for a repository; ``None`` for plain branches.

    Args:
        kind: One of `KINDS`; ``auto`` goes by the address, and by what is installed.
    """
    if kind == "auto":
        host = re.split(r"[/:]", re.sub(r"^[a-z+]+://", "", address).rpartition("@")[2])[0]
        named = "gh" if "github" in host else "glab" if "gitlab" in host else "none"
        kind = named if shutil.which(named) else "none"
    hosts: dict[str, CodeHost] = {"gh": GitHub(), "glab": GitLab()}
    return hosts.get(kind)


def require_login(host: CodeHost) -> None:
    """See that a command line is there and logged in, before anything is pushed.

    Raises:
        MissingDependencyError: It is not installed.
        PullRequestError: It is not logged in.
    """
    if shutil.which(host.program) is None:
        raise MissingDependencyError(
            f"The program {host.program} was not found, so no pull request can be opened.",
            f"Install {host.program}, or push plain branches: --pull-requests none.",
        )
    try:
        _run(host.program, ("auth", "status"), Path.cwd())
    except PullRequestError as error:
        raise PullRequestError(
            f"{host.program} is not logged in: {error.reason}",
            f"Run `{host.program} auth login`, or push plain branches: --pull-requests none.",
        ) from error


def _run(program: str, arguments: Sequence[str], folder: Path, there: str = "") -> str:
    """Run a command line; what it wrote.

    Args:
        there: Words with which it says that nothing had to be done.
    """
    quiet = {"GH_PROMPT_DISABLED": "1", "NO_COLOR": "1", "GLAB_CHECK_UPDATE": "false"}
    shown = " ".join([program, *arguments[:2]])
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env={**os.environ, **quiet},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise PullRequestError(
            f"`{shown}` did not answer within {_SECONDS} seconds.", "Run the campaign again."
        ) from error
    except OSError as error:
        raise PullRequestError(
            f"`{shown}` cannot be run: {error.strerror}.", f"See that {program} is installed."
        ) from error
    if done.returncode == 0:
        return done.stdout
    words = hide_credentials((done.stderr.strip() or done.stdout.strip())[-500:])
    if there and there in words:
        return words
    raise PullRequestError(
        f"`{shown}` ended with exit code {done.returncode}: {words or 'it said nothing'}",
        "The branch is pushed. Fix what it says and run the campaign again: it goes on from here.",
    )


def _json(program: str, text: str) -> list[dict[str, str]]:
    try:
        found = json.loads(text or "[]")
    except ValueError as error:
        raise PullRequestError(
            f"{program} did not answer in JSON: {text[:200]!r}", f"Update {program}."
        ) from error
    return found if isinstance(found, list) else []


def _address(program: str, text: str) -> str:
    found = _URL.findall(text)
    if not found:
        raise PullRequestError(
            f"{program} did not say where the pull request is: {text[-200:]!r}",
            "Look at the repository, then run the campaign again.",
        )
    return str(found[-1])
