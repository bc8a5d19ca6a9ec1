"""Workflows and services as a running Dagster tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dataflow.runs.dagster_names import (
    BROKEN_PREFIX,
    BROKEN_TAG,
    FURTHER_TAG,
    LOCATION_NAME,
    PARTITIONED_TAG,
    WORKFLOW_TAG,
)


@dataclass(frozen=True)
class Schedule:
    """When a workflow runs.

    Args:
        is_on: Whether somebody has switched it on.
    """

    cron: str
    timezone: str
    is_on: bool


@dataclass(frozen=True)
class Job:
    """A workflow as Dagster has loaded it.

    Args:
        broken: Why it cannot be run, if it cannot.
        is_partitioned: Whether each run is for one partition.
        location: The code location that has it.
    """

    workflow_id: str
    name: str
    description: str
    broken: str = ""
    schedule: Schedule | None = None
    is_partitioned: bool = False
    location: str = LOCATION_NAME


@dataclass(frozen=True)
class Health:
    """How Dagster does.

    Args:
        daemon_is_alive: Whether the daemon starts queued runs and fires schedules.
        daemon_silent_for: Seconds since it last said so; ``None`` if it never did.
        faults: What keeps runs from being launched or started; empty if all is well.
    """

    version: str
    daemon_is_alive: bool
    daemon_silent_for: float | None
    faults: list[str] = field(default_factory=list)


def parse_job(
    job: dict[str, Any], schedule: Schedule | None, location: str = LOCATION_NAME
) -> Job | None:
    """Make a workflow of a GraphQL ``Job``; ``None`` of one that no workflow has registered."""
    tags = {tag["key"]: tag["value"] for tag in job["tags"]}
    if WORKFLOW_TAG not in tags or FURTHER_TAG in tags:
        return None
    description = job["description"] or ""
    broken = description.removeprefix(BROKEN_PREFIX) if BROKEN_TAG in tags else ""
    return Job(
        tags[WORKFLOW_TAG],
        job["name"],
        "" if broken else description,
        broken,
        schedule,
        PARTITIONED_TAG in tags,
        location,
    )


def parse_schedule(schedule: dict[str, Any]) -> Schedule:
    """Make a schedule of a GraphQL ``Schedule``."""
    is_on = schedule["scheduleState"]["status"] == "RUNNING"
    return Schedule(schedule["cronSchedule"], schedule["executionTimezone"] or "UTC", is_on)
