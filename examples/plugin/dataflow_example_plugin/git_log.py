"""A kind of source: the commits of a git repository on this machine, one row each."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from dataflow.shared.config_types import Section, Text
from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.project import find_project
from dataflow.sources.errors import SourceNotFoundError, SourceUnavailableError
from dataflow.sources.kind import Extracted, ReadRequest, SourceKind

# git writes these two signs between the fields and behind each commit; no name can hold them.
_FIELD, _END = "\x1f", "\x1e"
_FORMAT = "%H%x1f%an%x1f%aI%x1f%s%x1e"


class GitLogSource(Section):
    """The commits of a git repository."""

    type: Literal["git_log"] = Field(description="The commits of a git repository.")
    url: Text = Field(description="The repository's folder, relative to the project's folder.")
    branch: Text = Field(default="HEAD", description="The branch, tag or commit to start from.")
    incremental: Literal["new_commits"] | None = Field(
        default=None, description="`new_commits`: only those that the last run did not read."
    )


def read_git_log(settings: GitLogSource, request: ReadRequest) -> Extracted:
    """The commits, oldest first: ``commit``, ``author``, ``authored_at`` (UTC) and ``subject``."""
    last = request.last_value if settings.incremental else None
    revisions = f"{last}..{settings.branch}" if last else settings.branch
    # One more than is asked for tells whether there are more.
    most = [] if request.limit is None else [f"--max-count={request.limit + 1}"]
    text = _git(settings, request, "log", f"--format={_FORMAT}", *most, revisions)
    rows = [_row(record.strip()) for record in text.split(_END) if record.strip()]
    newest = rows[0]["commit"] if rows else last
    return Extracted(
        data=rows[: request.limit][::-1],
        location=settings.url,
        last_value=newest if settings.incremental else None,
        whole=request.limit is None or len(rows) <= request.limit,
    )


def _row(record: str) -> dict[str, object]:
    commit, author, authored_at, subject = record.split(_FIELD)
    moment = datetime.fromisoformat(authored_at).astimezone(UTC)
    return {"commit": commit, "author": author, "authored_at": moment, "subject": subject}


def _git(settings: GitLogSource, request: ReadRequest, verb: str, *arguments: str) -> str:
    folder = find_project().root / settings.url
    *options, revisions = arguments
    command = ["git", "-C", str(folder), verb, *options, "--end-of-options", revisions, "--"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            timeout=request.parameters.timeout_seconds,
        )
    except FileNotFoundError as error:
        raise MissingDependencyError(
            "Reading commits needs git, which is not installed.", "Install git."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailableError(
            f"git took longer than {request.parameters.timeout_seconds:g} s on {folder}.",
            "Set `ingestion.parameters.timeout_seconds` to more.",
        ) from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise SourceNotFoundError(
            f"git cannot read {settings.branch} of {folder}: {said[0][:80]}.",
            "Correct `url` or `branch` under `ingestion.source`.",
        )
    return done.stdout


KIND = SourceKind(GitLogSource, read_git_log)
