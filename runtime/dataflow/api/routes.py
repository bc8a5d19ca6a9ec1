"""The operations of the REST API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, cast

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Body, Header, Path, Query, Request, Response

from dataflow.api.problems import responses
from dataflow.api.schemas import (
    PREFIX,
    LogOut,
    RunOut,
    RunRequest,
    RunsOut,
    WorkflowOut,
    WorkflowsOut,
)
from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.model import RunStatus, dagster_statuses
from dataflow.runs.reading import Reading, check_reading
from dataflow.runs.run_part import part_tags
from dataflow.service.launch_once import launch_run

if TYPE_CHECKING:
    from dataflow.runs.model import Run
    from dataflow.service.dagster_client import Dagster
    from dataflow.service.unanswered import UnansweredLaunches

_LONGEST_WAIT = 300
# A run takes a second at least; asking costs Dagster a few milliseconds.
_SECONDS_BETWEEN_LOOKS = 0.5

router = APIRouter(prefix=PREFIX)

WorkflowId = Annotated[
    str, Path(description="The workflow.", examples=["my_workflow"], max_length=200)
]
RunId = Annotated[
    str,
    Path(
        description="The run.",
        examples=["0b8f6f0e-3c1d-4c7e-9d5a-0a8a3a9f6c11"],
        max_length=200,
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Any text of your own. Sent again with the same request, it is answered with "
        "what was started the first time, and nothing is started twice. Without one that holds "
        "where your connection ended before the answer.",
        examples=["order-4711"],
    ),
]


@router.get(
    "/workflows",
    tags=["workflows"],
    summary="List the workflows",
    responses=responses(401, 502, 503),
)
def list_workflows(request: Request) -> WorkflowsOut:
    """All workflows of the project; a broken one says why."""
    dagster = _dagster(request)
    jobs = sorted(dagster.jobs().values(), key=lambda job: job.workflow_id)
    return WorkflowsOut(workflows=[WorkflowOut.of(job, _ui(request)) for job in jobs])


@router.get(
    "/workflows/{workflow_id}",
    tags=["workflows"],
    summary="Look at a workflow",
    responses=responses(401, 404, 422, 502, 503),
)
def get_workflow(request: Request, workflow_id: WorkflowId) -> WorkflowOut:
    """One workflow. A broken one is shown, too."""
    dagster = _dagster(request)
    job = dagster.jobs().get(workflow_id) or dagster.job(workflow_id)
    return WorkflowOut.of(job, _ui(request))


@router.post(
    "/workflows/{workflow_id}/run",
    tags=["workflows"],
    summary="Run a workflow",
    status_code=202,
    response_model=RunOut,
    responses={
        200: {"model": RunOut, "description": "With `wait`: the run is over."},
        202: {"description": "The run is in the queue or under way."},
        **responses(400, 401, 404, 409, 413, 415, 422, 502, 503),
    },
)
async def run_workflow(
    request: Request,
    response: Response,
    workflow_id: WorkflowId,
    body: Annotated[RunRequest | None, Body(description="How to run it.")] = None,
    wait: Annotated[
        float,
        Query(
            ge=0,
            le=_LONGEST_WAIT,
            description="Seconds to wait for the run's end before answering.",
            examples=[60],
        ),
    ] = 0,
    idempotency_key: IdempotencyKey = None,
) -> RunOut:
    """Put a run into Dagster's queue. One run of a workflow is executed at a time."""
    dagster = _dagster(request)
    asked = body or RunRequest()
    reading = Reading(asked.full_refresh, asked.since, asked.until)
    await run_sync(check_reading, dagster.project, workflow_id, reading)
    tags = {
        **asked.tags,
        **reading.as_tags(),
        **part_tags(asked.only),
    }

    async def launch() -> Run:
        return await run_sync(
            launch_run, dagster, workflow_id, asked.request, tags, idempotency_key
        )

    # One that timed out at its caller can be asked for again, without a key as well.
    unanswered: UnansweredLaunches = request.app.state.unanswered
    again = unanswered.request(
        request.state.caller.name, workflow_id, asked.model_dump(), idempotency_key
    )
    run = await unanswered.launch(
        again, request.is_disconnected, launch, lambda run_id: run_sync(dagster.status, run_id)
    )
    if wait:
        run = await _wait(request, dagster, run, wait)
    if run.is_over:
        response.status_code = 200
        run = await run_sync(dagster.run, run.run_id)
    await unanswered.remember(again, run.run_id, request.is_disconnected)
    response.headers["Location"] = f"{PREFIX}/runs/{run.run_id}"
    return RunOut.of(run, _ui(request), with_steps=run.is_over)


@router.get(
    "/runs", tags=["runs"], summary="List the runs", responses=responses(401, 404, 422, 502, 503)
)
def list_runs(
    request: Request,
    workflow_id: Annotated[
        str | None,
        Query(description="Only of this workflow.", examples=["my_workflow"], max_length=200),
    ] = None,
    status: Annotated[
        list[RunStatus] | None, Query(description="Only with one of these.", examples=[["failed"]])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None,
        Query(description="`next_cursor` of the page before.", max_length=200),
    ] = None,
) -> RunsOut:
    """Runs, the newest first, however they were started."""
    tags = {WORKFLOW_TAG: workflow_id} if workflow_id else None
    statuses = [name for wanted in status or [] for name in dagster_statuses(wanted)]
    dagster = _dagster(request)
    if cursor is not None:
        dagster.status(cursor)
    runs = dagster.runs(tags, statuses, limit + 1, cursor)
    more = len(runs) > limit
    runs = dagster.with_errors(runs[:limit])
    return RunsOut(
        runs=[RunOut.of(run, _ui(request), with_steps=True) for run in runs],
        next_cursor=runs[-1].run_id if more else None,
    )


@router.get(
    "/runs/{run_id}",
    tags=["runs"],
    summary="Look at a run",
    responses=responses(401, 404, 422, 502, 503),
)
async def get_run(
    request: Request,
    run_id: RunId,
    wait: Annotated[
        float,
        Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for its end.", examples=[60]),
    ] = 0,
) -> RunOut:
    """A run: its status, steps, times, rows and error."""
    dagster = _dagster(request)
    if wait:
        await _wait(request, dagster, await run_sync(dagster.status, run_id), wait)
    run = await run_sync(dagster.run, run_id)
    return RunOut.of(run, _ui(request), with_steps=True)


@router.get(
    "/runs/{run_id}/logs",
    tags=["runs"],
    summary="Read a run's log",
    responses=responses(401, 404, 422, 502, 503),
)
def get_logs(
    request: Request,
    run_id: RunId,
    after: Annotated[
        str | None,
        Query(description="`cursor` of an earlier answer.", max_length=1000),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 500,
) -> LogOut:
    """What a run has logged so far. To follow a run, go on from `cursor` until it is over."""
    return LogOut.model_validate(_dagster(request).log(run_id, after, limit))


@router.post(
    "/runs/{run_id}/cancel",
    tags=["runs"],
    summary="Cancel a run",
    status_code=202,
    responses=responses(401, 404, 409, 413, 415, 422, 502, 503),
)
def cancel_run(
    request: Request,
    run_id: RunId,
    force: Annotated[
        bool, Query(description="Mark it as cancelled even if its process cannot be reached.")
    ] = False,
) -> RunOut:
    """Ask for a run's end. A queued run ends at once, one under way after a moment."""
    if force:
        request.state.caller.check("admin")
    run = _dagster(request).cancel(run_id, force=force)
    return RunOut.of(run, _ui(request), with_steps=False)


async def _wait(request: Request, dagster: Dagster, run: Run, seconds: float) -> Run:
    deadline = time.monotonic() + seconds
    while not run.is_over and (left := deadline - time.monotonic()) > 0:
        await anyio.sleep(min(left, _SECONDS_BETWEEN_LOOKS))
        if await request.is_disconnected():
            break
        run = await run_sync(dagster.status, run.run_id)
    return run


def _dagster(request: Request) -> Dagster:
    return cast("Dagster", request.app.state.dagster)


def _ui(request: Request) -> Any:
    return request.app.state.ui
