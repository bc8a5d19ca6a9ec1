"""The REST API's operation that cancels many runs at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request

from dataflow.api.cancel_schemas import CancelledRunOut, CancelledRunsOut, CancelRequest
from dataflow.api.problems import responses
from dataflow.api.schemas import PREFIX
from dataflow.service.bulk_cancel import cancel_runs

router = APIRouter(prefix=PREFIX, tags=["runs"])


@router.post(
    "/runs/cancel",
    summary="Cancel many runs",
    status_code=202,
    responses=responses(400, 401, 413, 415, 422, 502, 503),
)
def cancel_many_runs(
    request: Request, body: Annotated[CancelRequest, Body(description="Which runs.")]
) -> CancelledRunsOut:
    """Ask for the end of the runs of a workflow, of some runs, or of all that wait or run."""
    if body.force:
        request.state.caller.check("admin")
    asked = cancel_runs(
        request.app.state.dagster,
        workflow_id=body.workflow_id,
        statuses=body.statuses,
        run_ids=body.run_ids or [],
        force=body.force,
    )
    runs = [CancelledRunOut.of(each) for each in asked.runs]
    return CancelledRunsOut(runs=runs, backfills=asked.backfills)
