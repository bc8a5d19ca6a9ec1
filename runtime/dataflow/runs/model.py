"""A run and its steps, as the command line, the REST API and the service all tell of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

from dataflow.runs.dagster_names import HOST_TAG, PROCESS_TAG

# What the summary of a step begins with that a run for other parts has not done.
LEFT_OUT = "left out"

StepStatus = Literal["running", "succeeded", "failed", "skipped"]
RunStatus = Literal["queued", "running", "canceling", "succeeded", "failed", "canceled"]

# Dagster's names of a run's status, and ours.
_STATUSES: dict[str, RunStatus] = {
    "QUEUED": "queued",
    "NOT_STARTED": "queued",
    "MANAGED": "queued",
    "STARTING": "running",
    "STARTED": "running",
    "SUSPENDED": "running",
    "CANCELING": "canceling",
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "CANCELED": "canceled",
}
_OVER = ("succeeded", "failed", "canceled")


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Args:
        name: The op's name, without the workflow's.
        summary: What it did, in a few words; empty for an op that does not say.
        rows: Rows it handled, if it says.
        error: What went wrong and where, if it failed.
        traceback: The whole stack, if it failed in this process.
        code: Which of the library's errors it is, for `dataflow explain`; empty for others.
    """

    name: str
    status: StepStatus
    seconds: float = 0.0
    summary: str = ""
    rows: int | None = None
    error: str = ""
    traceback: str = ""
    code: str = ""


@dataclass(frozen=True)
class Run:
    """A run of a workflow, in this process or on the service.

    Args:
        created_at: When it was asked for.
        started_at: When it left the queue.
        ended_at: When it ended.
        tags: Its tags, without Dagster's own.
        steps: Its steps so far, in order; empty if they were not asked for.
        error: What went wrong with the run itself; its steps say what went wrong with them.
    """

    run_id: str
    workflow_id: str
    status: RunStatus
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    error: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _OVER

    @property
    def success(self) -> bool:
        """Whether every step succeeded."""
        return self.status == "succeeded"

    @property
    def stopped(self) -> bool:
        """Whether somebody ended it."""
        return self.status == "canceled"

    @property
    def seconds(self) -> float | None:
        """How long it has run or ran; ``None`` before it starts."""
        if self.started_at is None:
            return None
        return ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()

    @property
    def rows(self) -> int | None:
        """How many rows its step ``load`` loaded, or that of its assets, if one says so."""
        loading = (step for step in reversed(self.steps) if step.name in ("load", "build"))
        return next((step.rows for step in loading), None)

    @property
    def whole_error(self) -> str:
        """All that went wrong, in one line: with the run, and with its steps."""
        of_steps = "; ".join(f"{step.name}: {step.error}" for step in self.steps if step.error)
        # Of a run that took too long or lost its process, the run knows more than its steps.
        own = "" if self.error in of_steps else self.error
        return "; ".join(filter(None, (own, of_steps)))

    @property
    def executed_by(self) -> str:
        """The process that executes it, if Dagster did not start it."""
        process = self.tags.get(PROCESS_TAG)
        return f"process {process} on {self.tags.get(HOST_TAG)}" if process else ""

    def as_json(self) -> dict[str, Any]:
        """The outcome, as ``dataflow workflow run --json`` prints it."""
        return {
            "workflow_id": self.workflow_id,
            "run_id": self.run_id,
            "success": self.success,
            "seconds": self.seconds or 0.0,
            "steps": [asdict(step) for step in self.steps if step.status != "running"],
            "error": self.error,
            "stopped": self.stopped,
        }


def run_status(status: str) -> RunStatus:
    """Our name of one of Dagster's statuses."""
    return _STATUSES[status]


def dagster_statuses(status: str) -> list[str]:
    """Dagster's names of the statuses that are one of ours."""
    return [name for name, ours in _STATUSES.items() if ours == status]


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """A run's tags without those that Dagster gives it."""
    return {k: v for k, v in tags.items() if not k.startswith(("dagster/", ".dagster/"))}
