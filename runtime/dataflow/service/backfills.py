"""Backfills on the service: runs of one workflow for many partitions, by Dagster's own daemon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.model import run_status
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataflow.runs.model import RunStatus

BackfillStatus = Literal["running", "succeeded", "failed", "canceled"]

# Dagster's names, and ours.
_STATUSES: dict[str, BackfillStatus] = {
    "REQUESTED": "running",
    "FAILING": "running",
    "CANCELING": "running",
    "COMPLETED": "succeeded",
    "COMPLETED_SUCCESS": "succeeded",
    "COMPLETED_FAILED": "failed",
    "FAILED": "failed",
    "CANCELED": "canceled",
}


@dataclass(frozen=True)
class BackfillRun:
    """What became of one partition; without a run it waits to be asked for one."""

    partition: str
    run_id: str | None
    status: RunStatus | Literal["waiting"]


@dataclass(frozen=True)
class Backfill:
    """A backfill and its runs, in the order of their partitions.

    Args:
        is_new: False if whoever asked for it was given one that there was already.
    """

    backfill_id: str
    workflow_id: str
    status: BackfillStatus
    created_at: datetime
    ended_at: datetime | None
    runs: Sequence[BackfillRun]
    error: str = ""
    is_new: bool = True


def workflow_of_backfill(answer: dict[str, Any], of_job: Callable[[str], str]) -> str:
    """The workflow of a backfill; of one that was started in Dagster's UI its job tells it."""
    tags = {tag["key"]: tag["value"] for tag in answer["tags"]}
    return tags.get(WORKFLOW_TAG) or of_job(answer["jobName"] or "")


def parse_backfill(answer: dict[str, Any], of_job: Callable[[str], str]) -> Backfill:
    """A backfill as Dagster's GraphQL interface answers it.

    Args:
        of_job: Gives the workflow that the job of some name is of.
    """
    found = {
        each["partitionName"]: each
        for each in (answer["partitionStatuses"] or {}).get("results", [])
        if each["runId"]
    }
    runs = [
        BackfillRun(name, found[name]["runId"], run_status(found[name]["runStatus"]))
        if name in found
        else BackfillRun(name, None, "waiting")
        for name in answer["partitionNames"] or []
    ]
    ended, error = answer["endTimestamp"], answer["error"]
    return Backfill(
        answer["id"],
        workflow_of_backfill(answer, of_job),
        _STATUSES.get(answer["status"], "running"),
        datetime.fromtimestamp(answer["timestamp"], UTC),
        datetime.fromtimestamp(ended, UTC) if ended else None,
        runs,
        redact(error["message"]) if error else "",
    )
