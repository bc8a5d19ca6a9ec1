"""What a check of a template found: for which answers, in which file, and how to see it again."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow_tools.templates.answer_sets import KIND, PROJECT
from dataflow_tools.templates.rendered_project import PROJECT_SET

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class TemplateFinding:
    """One thing that is wrong with what a template makes.

    Args:
        name: The set of answers.
        answers: What it answers.
        file: The rendered file, from the project's root; empty if it is about no one file.
        reproduce: The command that shows it again.
    """

    name: str
    answers: Mapping[str, Any]
    file: str
    reason: str
    reproduce: str

    def as_json(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {
            "set": self.name,
            "answers": dict(self.answers),
            "file": self.file,
            "reason": self.reason,
            "reproduce": self.reproduce,
        }


@dataclass
class Step:
    """One part of the check.

    Args:
        counted: What was looked at, in words.
        notes: What to know beside the findings.
    """

    name: str
    title: str
    seconds: float = 0.0
    counted: str = ""
    findings: list[TemplateFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The step as plain data."""
        return {
            "step": self.name,
            "title": self.title,
            "passed": not self.findings,
            "seconds": round(self.seconds, 2),
            "counted": self.counted,
            "findings": [finding.as_json() for finding in self.findings],
            "notes": self.notes,
        }


def copy_command(template: str, name: str, answers: Mapping[str, Any], folder: str) -> str:
    """The command that renders one set of answers by hand from the working tree."""
    given = {KIND: PROJECT} if name == PROJECT_SET else {"workflow_id": name, **answers}
    data = [
        part
        for key, value in given.items()
        for part in ("-d", f"{key}={value if isinstance(value, str) else json.dumps(value)}")
    ]
    command = ["copier", "copy", "--vcs-ref", "HEAD", "--defaults", *data, template, folder]
    return shlex.join(command)
