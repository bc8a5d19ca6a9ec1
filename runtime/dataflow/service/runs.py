"""Runs as Dagster tells of them, in the words of this library."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.runs.dagster_names import HOST_TAG, PROCESS_TAG, WORKFLOW_TAG
from dataflow.runs.failure import explain_failure
from dataflow.runs.run import StepOutcome
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from dataflow.shared.project import Project

# Dagster's names of a run's status, and ours.
_STATUSES = {
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
STATUSES = ("queued", "running", "canceling", "succeeded", "failed", "canceled")
_OVER = ("succeeded", "failed", "canceled")
_STEP_STATUSES: dict[str, Any] = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "SKIPPED": "skipped",
    "IN_PROGRESS": "running",
}


# What Dagster says of a run when all there is to say has been said of its steps.
_STEPS_FAILED = "Steps failed:"


@dataclass(frozen=True)
class Run:
    """A run.

    Args:
        run_id: Dagster's id.
        workflow_id: The workflow.
        status: One of `STATUSES`.
        created_at: When it was asked for.
        started_at: When it left the queue.
        ended_at: When it ended.
        tags: Its tags, without Dagster's own.
        steps: Its steps so far, in order; empty if they were not asked for.
        error: What went wrong, if it failed.
        executed_by: The process that executes it, if Dagster did not start it.
    """

    run_id: str
    workflow_id: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    steps: list[StepOutcome] = field(default_factory=list)
    error: str = ""
    executed_by: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _OVER

    @property
    def seconds(self) -> float | None:
        """How long it has run or ran; ``None`` before it starts."""
        if self.started_at is None:
            return None
        return ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()


@dataclass(frozen=True)
class LogEntry:
    """One line of a run's log."""

    time: datetime
    level: str
    step: str | None
    message: str


@dataclass(frozen=True)
class RunLog:
    """A stretch of a run's log.

    Args:
        entries: What was logged.
        cursor: Where to go on.
        has_more: Whether there was more already.
    """

    entries: list[LogEntry]
    cursor: str
    has_more: bool


@dataclass(frozen=True)
class _Error:
    """Dagster's record of an exception, as it comes over HTTP."""

    cls_name: str | None
    message: str
    stack: list[str]
    cause: _Error | None = None


def dagster_statuses(status: str) -> list[str]:
    """Dagster's names of the statuses that are one of ours."""
    return [name for name, ours in _STATUSES.items() if ours == status]


def parse_run(
    answer: dict[str, Any], project: Project, events: list[dict[str, Any]] | None = None
) -> Run:
    """Make a run of what Dagster answered.

    Args:
        answer: The fields of a GraphQL ``Run``.
        project: Whose code is named as the place of an error.
        events: The run's events, if its steps were asked for as well.
    """
    tags = {tag["key"]: tag["value"] for tag in answer["tags"]}
    workflow_id = tags.get(WORKFLOW_TAG) or answer["jobName"].removesuffix("_job")
    steps = _steps(answer.get("stepStats", []), events or [], workflow_id, project)
    status = _STATUSES[answer["status"]]
    error = "; ".join(f"{step.name}: {step.error}" for step in steps if step.error)
    if status == "failed":
        # Of a run that took too long or lost its process, the run knows more than its steps.
        of_run = _run_error(events or [], project)
        error = error if not of_run or of_run in error else f"{of_run}; {error}".strip("; ")
    process, host = tags.get(PROCESS_TAG), tags.get(HOST_TAG)
    return Run(
        run_id=answer["runId"],
        workflow_id=workflow_id,
        status=status,
        created_at=_time(answer["creationTime"]),
        started_at=_time(answer["startTime"]) if answer["startTime"] else None,
        ended_at=_time(answer["endTime"]) if answer["endTime"] else None,
        tags={k: v for k, v in tags.items() if not k.startswith(("dagster/", ".dagster/"))},
        steps=steps,
        error=error,
        executed_by=f"process {process} on {host}" if process else "",
    )


def parse_log(page: dict[str, Any]) -> RunLog:
    """Make a stretch of log of a GraphQL ``EventConnection``."""
    entries = [_entry(event) for event in page["events"] if "message" in event]
    return RunLog(entries, page["cursor"], page["hasMore"])


def _entry(event: dict[str, Any]) -> LogEntry:
    message = event["message"] or ""
    error = event.get("error")
    if error:
        cause = error.get("cause") or error
        message = f"{message}\n{cause['message'].strip()}"
    time = _time(float(event["timestamp"]) / 1000)
    return LogEntry(time, event["level"].lower(), event["stepKey"], redact(message))


def _steps(
    stats: list[dict[str, Any]],
    events: list[dict[str, Any]],
    workflow_id: str,
    project: Project,
) -> list[StepOutcome]:
    outputs: dict[str, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    for event in events:
        if event["__typename"] == "ExecutionStepOutputEvent":
            said = {e["label"]: e.get("intValue", e.get("text")) for e in event["metadataEntries"]}
            outputs.setdefault(event["stepKey"], {}).update(said)
        if event["__typename"] == "ExecutionStepFailureEvent":
            errors[event["stepKey"]] = _explained(event, project)
    found = []
    for step in sorted(stats, key=lambda step: step["startTime"] or float("inf")):
        key = step["stepKey"]
        start, end = step["startTime"], step["endTime"]
        found.append(
            StepOutcome(
                name=key.removesuffix(f"_{workflow_id}"),
                status=_STEP_STATUSES.get(step["status"] or "IN_PROGRESS", "running"),
                seconds=round(end - start, 3) if start and end else 0.0,
                summary=redact(str(outputs.get(key, {}).get("summary", ""))),
                rows=outputs.get(key, {}).get("rows"),
                error=errors.get(key, "") if step["status"] == "FAILURE" else "",
            )
        )
    return found


def _run_error(events: list[dict[str, Any]], project: Project) -> str:
    failures = [event for event in events if event["__typename"] == "RunFailureEvent"]
    if not failures or _STEPS_FAILED in failures[-1]["message"]:
        return ""
    return _explained(failures[-1], project)


def _explained(event: dict[str, Any], project: Project) -> str:
    error = event.get("error")
    text = explain_failure(_error(error), project) if error else event["message"]
    return redact((text or "failed").strip())


def _error(error: dict[str, Any]) -> _Error:
    cause = error.get("cause")
    return _Error(
        error["className"], error["message"], error["stack"], _error(cause) if cause else None
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
