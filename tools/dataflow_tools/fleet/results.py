"""What became of each workflow, in words and numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dataflow_tools.fleet.plan import Action, Change

if TYPE_CHECKING:
    from dataflow.shared.errors import DataflowError
    from dataflow_tools.fleet.answers_file import Answers
    from dataflow_tools.fleet.template_instance import Instance
    from dataflow_tools.fleet.versions import Version

# Why a workflow was left out that an interrupted update had not come to.
STOPPED = "The update was stopped before its turn."


class UpdateStatus(StrEnum):
    """How an update of one workflow ended. The values are part of the ``--json`` output."""

    UPDATED = "updated"
    CURRENT = "current"
    CONFLICT = "conflict"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNMANAGED = "unmanaged"

    @property
    def is_fine(self) -> bool:
        """Whether nothing is left to do about the workflow."""
        return self in {UpdateStatus.UPDATED, UpdateStatus.CURRENT, UpdateStatus.UNMANAGED}


@dataclass
class UpdateOutcome:
    """What became, or would become, of one workflow.

    Args:
        path: Its folder, from the project's root.
        current: The version it was at.
        target: The version it goes to.
        reason: Why it was skipped or failed.
        checked: Whether its own checks passed after the update; ``None`` if they did not run.
        is_unchecked: Whether they were asked for and could not run.
    """

    workflow_id: str
    path: str
    status: UpdateStatus
    current: str | None = None
    target: str | None = None
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reason: str | None = None
    instruction: str | None = None
    checked: bool | None = None
    is_unchecked: bool = False

    def fail(
        self, error: DataflowError, status: UpdateStatus = UpdateStatus.FAILED
    ) -> UpdateOutcome:
        """Record why this workflow is not updated."""
        self.status = status
        self.reason, self.instruction = error.reason, error.instruction
        self.changes = []
        return self

    @property
    def conflicts(self) -> list[str]:
        """The paths, in the workflow's folder, that a person has to decide about."""
        return [change.path for change in self.changes if change.action.is_conflict]

    def count(self) -> Counter[Action]:
        """How many files have which fate, the answers file left out."""
        return Counter(
            change.action for change in self.changes if change.action is not Action.VERSION
        )

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain data, without what is empty and need not be said."""
        optional = {
            "notes": self.notes,
            "reason": self.reason,
            "instruction": self.instruction,
        }
        return {
            "workflow_id": self.workflow_id,
            "path": self.path,
            "status": self.status.value,
            "from": self.current,
            "to": self.target,
            "files": [change.as_json() for change in self.changes],
            **{key: value for key, value in optional.items() if value},
            **({"checked": self.checked} if self.checked is not None or self.is_unchecked else {}),
        }


@dataclass
class UpdateJob:
    """A workflow on its way through an update; its answers and target are found on the way."""

    instance: Instance
    outcome: UpdateOutcome
    answers: Answers | None = None
    target: Version | None = None


@dataclass
class UpdateReport:
    """What became, or would become, of all workflows asked for, in the order of their names.

    Args:
        planned_only: Whether nothing was written.
        notes: What concerns the run as a whole.
    """

    outcomes: list[UpdateOutcome]
    planned_only: bool = False
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    def count(self) -> Counter[UpdateStatus]:
        """How many workflows ended in which way."""
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 if nothing is left to do, 130 if interrupted, 1 otherwise."""
        if self.interrupted:
            return 130
        fine = all(
            outcome.status.is_fine and outcome.checked is not False and not outcome.is_unchecked
            for outcome in self.outcomes
        )
        return 0 if fine else 1

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "planned_only": self.planned_only,
            "interrupted": self.interrupted,
            "summary": {status.value: number for status, number in sorted(self.count().items())},
            "notes": self.notes,
            "workflows": [outcome.as_json() for outcome in self.outcomes],
        }
