"""Runs and their logs, made of what Dagster's GraphQL interface answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.runs.dagster_names import LOADED_ROWS, SUMMARY, WORKFLOW_TAG
from dataflow.runs.model import Run, own_tags, run_status
from dataflow.runs.run_progress import EventKind, RunEvent, RunProgress
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from dataflow.shared.project import Project

_KINDS: dict[str, EventKind] = {
    "ExecutionStepStartEvent": "start",
    "ExecutionStepOutputEvent": "output",
    "ExecutionStepSuccessEvent": "success",
    "ExecutionStepFailureEvent": "failure",
    "ExecutionStepSkippedEvent": "skip",
    "RunFailureEvent": "run_failure",
    "EngineEvent": "engine",
}


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


def parse_run(
    answer: dict[str, Any], project: Project, events: list[dict[str, Any]] | None = None
) -> Run:
    """Make a run of the fields of a GraphQL ``Run`` and, for its steps and error, its events."""
    tags = {tag["key"]: tag["value"] for tag in answer["tags"]}
    workflow_id = tags.get(WORKFLOW_TAG) or answer["jobName"].removesuffix("_job")
    progress = RunProgress(workflow_id, project)
    for event in events or []:
        progress.add(_event(event))
    status = run_status(answer["status"])
    steps = progress.steps
    if status in ("failed", "canceled"):
        # Of a run whose process is gone the last step has no end.
        steps = [replace(s, status="failed") if s.status == "running" else s for s in steps]
    return Run(
        run_id=answer["runId"],
        workflow_id=workflow_id,
        status=status,
        created_at=_time(answer["creationTime"]),
        started_at=_time(answer["startTime"]) if answer["startTime"] else None,
        ended_at=_time(answer["endTime"]) if answer["endTime"] else None,
        tags=own_tags(tags),
        steps=steps,
        error=progress.error,
    )


def parse_log(page: dict[str, Any]) -> RunLog:
    """Make a stretch of log of a GraphQL ``EventConnection``."""
    entries = [_entry(event) for event in page["events"] if "message" in event]
    return RunLog(entries, page["cursor"], page["hasMore"])


def _event(event: dict[str, Any]) -> RunEvent:
    said = {e["label"]: e.get("intValue", e.get("text")) for e in event.get("metadataEntries", [])}
    error = event.get("error")
    return RunEvent(
        _KINDS.get(event["__typename"], "other"),
        float(event.get("timestamp", 0)) / 1000,
        event.get("stepKey"),
        event.get("message") or "",
        _error(error) if error else None,
        str(said.get(SUMMARY) or said.get("summary", "")),
        said.get(LOADED_ROWS) if SUMMARY in said else said.get("rows"),
    )


def _entry(event: dict[str, Any]) -> LogEntry:
    message = event["message"] or _words(event["__typename"])
    error = event.get("error")
    if error:
        cause = error.get("cause") or error
        message = f"{message}\n{cause['message'].strip()}"
    time = _time(float(event["timestamp"]) / 1000)
    return LogEntry(time, event["level"].lower(), event["stepKey"], redact(message))


def _words(kind: str) -> str:
    """What happened, where Dagster has only a name for it: ``RunEnqueuedEvent``."""
    return re.sub(r"(?<=.)([A-Z])", lambda m: f" {m[1].lower()}", kind.removesuffix("Event"))


def _error(error: dict[str, Any]) -> _Error:
    cause = error.get("cause")
    return _Error(
        error["className"], error["message"], error["stack"], _error(cause) if cause else None
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
