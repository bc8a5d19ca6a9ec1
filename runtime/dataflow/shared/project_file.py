"""A project's pyproject.toml, also while it has conflicts that nobody has resolved yet."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

PROJECT_FILE = "pyproject.toml"


class ProjectFile(NamedTuple):
    """What a pyproject.toml says.

    Args:
        text: Its text, with the project's own side of each conflict.
        conflict: The line of the first conflict; ``None`` if there is none.
    """

    text: str
    content: dict[str, Any]
    conflict: int | None

    def told(self, path: Path) -> str:
        """What to say of its conflict."""
        return (
            f"{path}, line {self.conflict}: conflict markers. Until you resolve them, what stood "
            "there before counts."
        )


def read_project_file(path: Path) -> ProjectFile:
    """Read a pyproject.toml; see `parse_project_file`.

    >>> import pathlib
    >>> read_project_file(pathlib.Path("pyproject.toml")).conflict
    """
    return parse_project_file(path.read_text(encoding="utf-8"), path)


def parse_project_file(text: str, path: Path) -> ProjectFile:
    """What a pyproject.toml says; of each conflict in it counts what the project had before.

    Args:
        path: Where the text stands, for what is said of it.

    Raises:
        BadInputError: It is not valid TOML; if the conflicts are why, they are named.
    """
    conflict = None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        mine, conflict = _own_side(text)
        if conflict is None:
            raise BadInputError(f"{path} is not valid TOML: {error}.", "Fix that line.") from error
        try:
            content = tomllib.loads(mine)
        except tomllib.TOMLDecodeError:
            raise BadInputError(
                f"{path} has conflict markers, the first in line {conflict}, and is not valid TOML "
                "without them either.",
                "Choose a side in each place between `<<<<<<<` and `>>>>>>>`, and take the markers "
                "out.",
            ) from error
        text = mine
    return ProjectFile(text, content, conflict)


def _own_side(text: str) -> tuple[str, int | None]:
    """A text with the first side of each conflict, and the line of the first one."""
    kept, first, side = [], None, ""
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        word = line.rstrip("\r\n").partition(" ")[0]
        if word == "<<<<<<<":
            first, side = first or number, "mine"
        elif side and word in ("|||||||", "======="):
            side = "other"
        elif side and word == ">>>>>>>":
            side = ""
        elif side != "other":
            kept.append(line)
    return "".join(kept), first
