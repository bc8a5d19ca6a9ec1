"""What a campaign is about, as its folder remembers it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dataflow.shared.errors import BadInputError
from dataflow_tools.campaign.sources import Repository

FILE = "campaign.json"
OWN_CHECKS, NO_CHECKS = "own", "none"


@dataclass(frozen=True)
class Settings:
    """What is carried where, and how.

    Args:
        version: The template version that the repositories go to.
        rings: The names of the repositories of each ring; empty until they are planned.
        sizes: How large the rings are.
        stop_above: The part of a ring that may fail.
        pull_requests: What opens them, one of `pull_requests.KINDS`.
        check: ``own`` for each updated workflow's own checks, ``none``, or a command line that is
            run in the project's folder.
        then: A command line that is run in each updated project before the commit.
    """

    version: str
    repositories: list[Repository]
    rings: list[list[str]]
    sizes: list[str]
    stop_above: float
    pull_requests: str
    check: str
    then: str = ""

    @property
    def branch(self) -> str:
        """The branch that the campaign makes in each repository."""
        return f"dataflow/update-{self.version}"

    def repository(self, name: str) -> Repository:
        """A repository by its name."""
        return next(one for one in self.repositories if one.name == name)


def read_settings(folder: Path) -> Settings | None:
    """Read what a folder says; ``None`` if there is no campaign in it.

    Raises:
        BadInputError: Its file is broken.
    """
    path = folder / FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Settings(
            **{**found, "repositories": [Repository(**one) for one in found["repositories"]]}
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{path} is not as `dataflow campaign plan` writes it: {error}.",
            "Remove the file and plan the campaign again; what was pushed is still known.",
        ) from error


def write_settings(folder: Path, settings: Settings) -> None:
    """Write them down, all at once."""
    draft = folder / f"{FILE}.new"
    draft.write_text(json.dumps(asdict(settings), indent=2, ensure_ascii=False) + "\n", "utf-8")
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(folder / FILE)
