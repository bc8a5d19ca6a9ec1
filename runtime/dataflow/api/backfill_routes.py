"""The REST API's operations on backfills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Body, Path, Request, Response

from dataflow.api.backfill_schemas import BackfillOut, BackfillRequest
from dataflow.api.problems import responses
from dataflow.api.routes import IdempotencyKey, WorkflowId  # noqa: TC001 - FastAPI reads them
from dataflow.api.schemas import PREFIX
from dataflow.service.launch_once import launch_backfill

if TYPE_CHECKING:
    from dataflow.service.backfills import Backfill
    from dataflow.service.dagster_client import Dagster
    from dataflow.service.unanswered import UnansweredLaunches

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
async def start_backfill(
    request: Request,
    response: Response,
    workflow_id: WorkflowId,
    body: Annotated[BackfillRequest | None, Body(description="Which partitions.")] = None,
    idempotency_key: IdempotencyKey = None,
) -> BackfillOut:
    """Dagster's daemon puts a run for each into the queue; each replaces its partition.

    While a backfill of the same partitions is under way, it is answered, and no second one begins;
    to have one all the same, send a new `Idempotency-Key`.
    """
    dagster: Dagster = request.app.state.dagster
    asked = body or BackfillRequest()

    async def launch() -> Backfill:
        return await run_sync(launch_backfill, dagster, workflow_id, asked.range, idempotency_key)

    # It may be over before a caller whose connection was lost asks again.
    unanswered: UnansweredLaunches = request.app.state.unanswered
    again = unanswered.request(
        request.state.caller.name, "backfill", workflow_id, asked.model_dump(), idempotency_key
    )
    backfill = await unanswered.launch(
        again, request.is_disconnected, launch, lambda its_id: run_sync(dagster.backfill, its_id)
    )
    await unanswered.remember(again, backfill.backfill_id, request.is_disconnected)
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
