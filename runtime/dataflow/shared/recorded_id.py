"""The id that a rendered workflow's folder had when its template last wrote to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.project import Project

_ANSWERS_FILE = ".copier-answers.yml"
_LINE = re.compile(r"""^workflow_id:[ \t]+["']?([^\s"'#]+)""", re.MULTILINE)
_MARKERS = ("config.yaml", "dagster_job.py")


class RenamedByHandError(BadInputError):
    """A workflow's folder has another name than its files say.

    Why: The id of a workflow stands in its dbt project, its dashboard and its answers, so that
    a folder that was renamed or copied by hand would write the tables of the other one.

    What to do: Use the command that the message names: it changes all of the places, or none.
    """

    http_status = 409


@dataclass(frozen=True)
class RecordedId:
    """What a folder's answers file says, and in which line."""

    workflow_id: str
    line: int


def recorded_id(folder: Path) -> RecordedId | None:
    """The id in a folder's answers file; None where there is no such file, or no id in it.

    >>> from dataflow.shared.project import find_project
    >>> recorded_id(find_project().workflow_dir("made_by_hand")) is None
    True
    """
    try:
        text = (folder / _ANSWERS_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = _LINE.search(text)
    return RecordedId(found[1], text.count("\n", 0, found.start()) + 1) if found else None


def righting_command(project: Project, old: str, new: str) -> str:
    """The command that puts a folder right that was renamed or copied by hand.

    >>> from dataflow.shared.project import find_project
    >>> righting_command(find_project(), "gone", "sales"), righting_command(
    ...     find_project(), "sales", "trial"
    ... )
    ('dataflow workflow rename gone sales', 'dataflow workflow copy sales trial')
    """
    folder = project.workflow_dir(old)
    is_copy = any((folder / marker).is_file() for marker in _MARKERS)
    return f"dataflow workflow {'copy' if is_copy else 'rename'} {old} {new}"


def check_recorded_id(project: Project, workflow_id: str) -> None:
    """Refuse a folder that was renamed or copied by hand: it may read and write another's tables.

    Raises:
        RenamedByHandError: Its files are those of another workflow.
    """
    folder = project.workflow_dir(workflow_id)
    recorded = recorded_id(folder)
    if recorded is None or recorded.workflow_id == workflow_id:
        return
    old = recorded.workflow_id
    command = righting_command(project, old, workflow_id)
    done, told = (
        ("copied", "Make it a workflow of its own")
        if " copy " in command
        else ("renamed", "Put it right, tables and all")
    )
    raise RenamedByHandError(
        f"{project.relative(folder)} was {done} by hand: its files are still those of {old!r} "
        f"({_ANSWERS_FILE}:{recorded.line}).",
        f"{told}: {command}",
    )
