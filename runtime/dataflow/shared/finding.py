"""One thing that is wrong and what to do about it, wherever it was found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened

KeyPath = tuple[str | int, ...]


class Severity(StrEnum):
    """What still works in spite of it."""

    ERROR = "error"
    """Nothing: what the finding is about cannot be used as it is."""

    WARNING = "warning"
    """All but a part, such as a page of which one query fails."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: with a file, a project or a machine.

    Secrets in its texts are masked, here and nowhere else.

    Args:
        reason: What is wrong; a sentence, or the rest of one that begins with the value.
        instruction: What to do, or what was probably meant.
        file: As a person in the project's folder would type it; empty if it is about no file.
        line: Counted from 1; 0 when it concerns the whole file.
        key_path: Such as ``ingestion.parameters.max_retries``.
        value: The refused value, ready to print; empty if there is none, or none to be shown.
        allowed: What is allowed there; empty if the reason says it.
    """

    reason: str
    instruction: str = ""
    file: str = ""
    line: int = 0
    key_path: str = ""
    value: str = ""
    allowed: str = ""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        for name in ("reason", "instruction", "value"):
            object.__setattr__(self, name, redact(getattr(self, name)))

    def __reduce__(self) -> tuple[type[Finding], tuple[Any, ...]]:
        # Made anew in the process that it is sent to, which may know other secrets.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def of(cls, error: DataflowError, file: str = "") -> Finding:
        """What an error says, as a finding."""
        return cls(error.reason, error.instruction, file)

    @property
    def place(self) -> str:
        """The file, and the line if there is one."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def statement(self) -> str:
        """What is wrong, with the key path and the value."""
        said = f"{self.value} {self.reason}".strip()
        return f"{self.key_path}: {said}" if self.key_path else said

    @property
    def remedy(self) -> str:
        """What to do, with what is allowed."""
        allowed = f"Allowed: {self.allowed}" if self.allowed else ""
        return "; ".join(filter(None, (allowed, self.instruction))) or "Put it right."

    def as_json(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {
            "file": self.file,
            "reason": self.statement,
            "instruction": self.remedy,
            "line": self.line,
        }

    def __str__(self) -> str:
        allowed = f" (allowed: {self.allowed})" if self.allowed else ""
        instruction = f"; {self.instruction}" if self.instruction else ""
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.statement}{allowed}{instruction}"


@dataclass(frozen=True)
class Misfit:
    """One thing that does not fit among the values of a configuration, at a key path.

    Args:
        path: Where, or where it would stand if it were there.
        reason: What is wrong, as the rest of a sentence that begins with the value.
        allowed: What is allowed there.
        hint: What was probably meant.
        of_key: Whether the key itself is wrong, whatever its value.
    """

    path: KeyPath
    reason: str
    allowed: str = ""
    hint: str = ""
    of_key: bool = False


class ConfigError(BadInputError):
    """A configuration file cannot be used; ``findings`` has every thing that is wrong with it.

    Why: Every key of config.yaml or pyproject.toml is checked before anything runs: an unknown
    one, a value of another type, a variable that is not set. All faults are named at once, each
    with file and line.

    What to do: Correct the lines that are named; keys and values stand in docs/reference/config.md
    and docs/reference/settings.md, and editors show them (`dataflow init` sets that up).
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda finding: (finding.file, finding.line)))
        what = "the line above" if len(self.findings) == 1 else "the lines above"
        super().__init__("\n".join(map(str, self.findings)), f"Put {what} right and run it again.")

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Finding, ...]]]:
        # An exception is pickled by its arguments, which here are not those of the constructor.
        return type(self), (self.findings,)


def shown_path(path: Iterable[str | int]) -> str:
    """A key path as people write it.

    >>> shown_path(["transformation", "stages", 0, "name"])
    'transformation.stages[0].name'
    """
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{_shown_key(part)}"
    return shown.removeprefix(".")


def shown_value(value: Any) -> str:
    """A value as it stands in a YAML file, on one line and cut to a readable length.

    >>> shown_value("a"), shown_value(True), shown_value([1])
    ('"a"', 'true', 'a list')
    """
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        text = json.dumps(redact(value), ensure_ascii=not value.isprintable())
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = str(value)
    return shortened(text)


def _shown_key(key: str) -> str:
    return shortened(redact(key) if key.isprintable() else ascii(key))
