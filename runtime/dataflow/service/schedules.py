"""The schedules of a project: which there are, whether they are on, and switching them.

The running service is asked, since Dagster's daemon goes by what its own storage says. Where none
runs, what is on is read from that storage.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dataflow.service import graphql
from dataflow.service.dagster_errors import DagsterError
from dataflow.service.graphql_answer import expected, repository
from dataflow.service.graphql_client import GraphQLClient
from dataflow.shared.config import workflow_config
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.shown import quoted
from dataflow.shared.suggestion import as_sentence, did_you_mean
from dataflow.workflows.registry import list_workflow_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.project import Project

_END = "_schedule"


@dataclass(frozen=True)
class WorkflowSchedule:
    """The schedule that a workflow's config.yaml asks for.

    Args:
        next_at: When it fires next, in its time zone; None where that is not known.
        state_id: By which Dagster knows whether it is on; empty where no service was asked.
        location: The code location that has it.
    """

    workflow_id: str
    cron: str
    timezone: str
    is_on: bool
    next_at: datetime | None = None
    state_id: str = ""
    location: str = ""


def running_schedules(project: Project) -> list[WorkflowSchedule]:
    """The schedules as the running service has them.

    Raises:
        DagsterUnavailableError: No service runs.
        DagsterError: It answers with a fault of its own.
    """
    client = _client(project)
    try:
        return sorted(_asked(project, client), key=lambda each: each.workflow_id)
    finally:
        client.close()


def switch_schedule(project: Project, workflow_id: str, *, on: bool) -> WorkflowSchedule:
    """Switch the schedule of a workflow on or off, on the running service.

    Raises:
        BadInputError: The workflow has no schedule.
        DagsterUnavailableError: No service runs.
        DagsterError: It answers with a fault of its own.
    """
    client = _client(project)
    try:
        known = {each.workflow_id: each for each in _asked(project, client)}
        if workflow_id not in known:
            raise no_schedule(project, workflow_id, list(known))
        found = known[workflow_id]
        if found.is_on != on:
            _switch(client, found, on=on)
        return next(e for e in _asked(project, client) if e.workflow_id == workflow_id)
    finally:
        client.close()


def written_schedules(project: Project) -> list[WorkflowSchedule]:
    """The schedules as config.yaml files and the history have them; no service is needed.

    A file that cannot be read has none here, which `workflow check` says.
    """
    found: list[WorkflowSchedule] = []
    stored: dict[str, bool] | None = None
    for workflow_id in list_workflow_ids(project):
        try:
            settings = workflow_config(workflow_id, project).workflow
        except DataflowError:
            continue
        if settings.schedule is None:
            continue
        stored = _stored(project) if stored is None else stored
        is_on = stored.get(f"{workflow_id}{_END}", settings.schedule_on)
        found.append(WorkflowSchedule(workflow_id, settings.schedule, settings.timezone, is_on))
    return found


def no_schedule(project: Project, workflow_id: str, known: list[str]) -> BadInputError:
    """Why a workflow cannot be switched on or off."""
    ids = list_workflow_ids(project)
    if workflow_id not in ids:
        near = as_sentence(did_you_mean(workflow_id, ids))
        return BadInputError(
            f"There is no workflow {quoted(workflow_id)}.",
            near or "`dataflow workflow list` has those there are.",
        )
    listed = f" Those with one: {', '.join(sorted(known))}." if known else ""
    return BadInputError(
        f"The workflow {workflow_id} has no schedule.",
        f"Write one into its config.yaml: `schedule: 0 6 * * *` below `workflow`.{listed}",
    )


def _client(project: Project) -> GraphQLClient:
    return GraphQLClient(project.settings.dagster_url.rstrip("/"))


def _asked(project: Project, client: GraphQLClient) -> Iterator[WorkflowSchedule]:
    for location in project.settings.locations:
        answer = client.ask(graphql.SCHEDULES, "repositoryOrError", selector=repository(location))
        for each in expected(answer, "Repository")["schedules"]:
            if each["name"].endswith(_END):
                yield _parsed(each, location)


def _parsed(schedule: dict[str, Any], location: str) -> WorkflowSchedule:
    zone = schedule["executionTimezone"] or "UTC"
    is_on = schedule["scheduleState"]["status"] == "RUNNING"
    ticks = schedule["futureTicks"]["results"]
    at = datetime.fromtimestamp(ticks[0]["timestamp"], UTC) if ticks else None
    return WorkflowSchedule(
        schedule["name"].removesuffix(_END),
        schedule["cronSchedule"],
        zone,
        is_on,
        at.astimezone(ZoneInfo(zone)) if at else None,
        schedule["scheduleState"]["id"],
        location,
    )


def _switch(client: GraphQLClient, schedule: WorkflowSchedule, *, on: bool) -> None:
    if on:
        name = f"{schedule.workflow_id}{_END}"
        selector = {**repository(schedule.location), "scheduleName": name}
        answer = client.ask(graphql.START_SCHEDULE, "startSchedule", selector=selector)
    else:
        answer = client.ask(graphql.STOP_SCHEDULE, "stopRunningSchedule", id=schedule.state_id)
    if answer["__typename"] == "UnauthorizedError":
        raise DagsterError("Dagster refused: it only shows.", "Start `dataflow up` without that.")
    expected(answer, "ScheduleStateResult")


def _stored(project: Project) -> dict[str, bool]:
    """What somebody has switched, by the schedules' names."""
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.scheduler.instigation import InstigatorStatus

    from dataflow.runs.instance import open_instance

    with open_instance(project) as instance:
        states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    known = {InstigatorStatus.RUNNING: True, InstigatorStatus.STOPPED: False}
    return {each.instigator_name: known[each.status] for each in states if each.status in known}
