"""What doctor says: one line for each thing it looks at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable


class Health(StrEnum):
    """How a thing is. The values are part of the ``--json`` output."""

    MET = "met"
    PROBLEM = "problem"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Problem:
    """Something to put right.

    Args:
        reason: What is wrong, as a sentence. Secrets in it are masked.
        instruction: What to do, in the imperative.
    """

    reason: str
    instruction: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", redact(self.reason))


@dataclass(frozen=True)
class Diagnosis:
    """How one thing is.

    Args:
        name: What was looked at.
        health: How it is.
        detail: What was seen.
        problems: What is wrong with it.
    """

    name: str
    health: Health
    detail: str = ""
    problems: tuple[Problem, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The diagnosis as plain data."""
        return {
            "name": self.name,
            "status": self.health.value,
            "detail": self.detail,
            "problems": [asdict(problem) for problem in self.problems],
        }


def diagnosed(name: str, problems: Iterable[Problem], detail: str = "") -> Diagnosis:
    """A thing that is well unless there are problems."""
    found = tuple(problems)
    return Diagnosis(name, Health.PROBLEM if found else Health.MET, detail, found)


def unasked(name: str, why: str) -> Diagnosis:
    """A thing that does not matter here, or that cannot be looked at."""
    return Diagnosis(name, Health.NOT_APPLICABLE, why)
