"""The REST API's operations on backfills."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response

from dataflow.api.backfill_schemas import BackfillOut, BackfillRequest
from dataflow.api.problems import responses
from dataflow.api.routes import WorkflowId  # noqa: TC001 - FastAPI reads it
from dataflow.api.schemas import PREFIX

router = APIRouter(prefix=PREFIX, tags=["backfills"])

BackfillId = Annotated[
    str, Path(description="The backfill.", max_length=200, examples=["kvumbkbt"])
]


@router.post(
    "/workflows/{workflow_id}/backfills",
    summary="Run a workflow for many partitions",
    status_code=202,
    responses=responses(400, 401, 404, 409, 413, 415, 422, 502, 503),
)
def start_backfill(
    request: Request,
    response: Response,
    workflow_id: WorkflowId,
    body: Annotated[BackfillRequest | None, Body(description="Which partitions.")] = None,
) -> BackfillOut:
    """Dagster's daemon puts a run for each into the queue; each replaces its partition."""
    asked = body or BackfillRequest()
    backfill = request.app.state.dagster.launch_backfill(workflow_id, asked.range)
    response.headers["Location"] = f"{PREFIX}/backfills/{backfill.backfill_id}"
    return BackfillOut.of(backfill, request.app.state.ui)


@router.get(
    "/backfills/{backfill_id}",
    summary="Look at a backfill",
    responses=responses(401, 404, 422, 502, 503),
)
def get_backfill(request: Request, backfill_id: BackfillId) -> BackfillOut:
    """What has become of each of its partitions."""
    return BackfillOut.of(request.app.state.dagster.backfill(backfill_id), request.app.state.ui)


@router.post(
    "/backfills/{backfill_id}/cancel",
    summary="Cancel a backfill",
    status_code=202,
    responses=responses(401, 404, 409, 413, 415, 422, 502, 503),
)
def cancel_backfill(request: Request, backfill_id: BackfillId) -> BackfillOut:
    """No more of its runs begin; those that wait or run are cancelled within seconds."""
    backfill = request.app.state.dagster.cancel_backfill(backfill_id)
    return BackfillOut.of(backfill, request.app.state.ui)
