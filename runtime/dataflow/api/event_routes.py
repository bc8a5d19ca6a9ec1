"""The REST API's operation for signed events from other systems."""

from __future__ import annotations

import json
from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from dataflow.api.audit_trail import CALLER
from dataflow.api.problems import responses
from dataflow.api.routes import WorkflowId  # noqa: TC001 - FastAPI reads it
from dataflow.api.schemas import PREFIX, RunOut
from dataflow.runs.dagster_names import TRIGGER_TAG
from dataflow.runs.run_request import RunRequest
from dataflow.service.api_access import Caller
from dataflow.service.launch_once import launch_run
from dataflow.service.webhook import check_signature
from dataflow.shared.config import workflow_config
from dataflow.shared.errors import DataflowError
from dataflow.shared.project import Project
from dataflow.workflows.registry import WorkflowNotFoundError, list_workflow_ids

router = APIRouter(prefix=PREFIX, tags=["workflows"])

_LONGEST_KEY = 1000


@router.post(
    "/workflows/{workflow_id}/events",
    summary="Tell a workflow of an event",
    status_code=202,
    responses=responses(400, 401, 404, 409, 413, 415, 422, 502, 503),
    openapi_extra={
        "requestBody": {
            "description": "What is signed; `partition` names the one of a partitioned workflow.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
async def receive_event(request: Request, response: Response, workflow_id: WorkflowId) -> RunOut:
    """Start a run for a signed event (Standard Webhooks). Sent again, it leads to the same run.

    No token is needed: the signature is made with the secret that `workflow.trigger.webhook` of
    config.yaml names.
    """
    dagster = request.app.state.dagster
    body = await request.body()
    secret = await run_sync(_secret, dagster.project, workflow_id)
    event_id = check_signature(secret, request.headers, body)
    setattr(request.state, CALLER, Caller(f"webhook of {workflow_id}", "run"))
    run = await run_sync(
        launch_run,
        dagster,
        workflow_id,
        RunRequest({}, _partition(body)),
        {TRIGGER_TAG: "webhook"},
        f"webhook {workflow_id} {event_id}",
    )
    response.headers["Location"] = f"{PREFIX}/runs/{run.run_id}"
    return RunOut.of(run, request.app.state.ui, with_steps=False)


def _secret(project: Project, workflow_id: str) -> str:
    """The secret of a workflow; whoever asks for another is told the same, there or not."""
    found = None
    if workflow_id in list_workflow_ids(project):
        try:
            found = workflow_config(workflow_id, project).workflow.trigger
        except DataflowError:
            found = None
    if found is None or found.webhook is None:
        raise WorkflowNotFoundError(
            "There is no such workflow, or it takes no events.",
            "Give it workflow.trigger.webhook in its config.yaml.",
        )
    return found.webhook.secret


def _partition(body: bytes) -> str | None:
    try:
        content: Any = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        return None
    key = content.get("partition") if isinstance(content, dict) else None
    is_key = isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY and key.isprintable()
    return key if is_key else None
