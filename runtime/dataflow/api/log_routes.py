"""The REST API's operation that looks through the logs of a workflow."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - FastAPI reads it
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from dataflow.api.problems import responses
from dataflow.api.routes import WorkflowId  # noqa: TC001 - FastAPI reads it
from dataflow.api.schemas import PREFIX, FoundLinesOut
from dataflow.service.log_search import LogQuery, search_logs

router = APIRouter(prefix=PREFIX, tags=["workflows"])

Level = Literal["debug", "info", "warning", "error", "critical"]


@router.get(
    "/workflows/{workflow_id}/logs",
    summary="Search a workflow's logs",
    responses=responses(401, 404, 422, 502, 503),
)
def search_workflow_logs(
    request: Request,
    workflow_id: WorkflowId,
    q: Annotated[
        str,
        Query(description="Only lines that hold this text, in whatever case.", max_length=500),
    ] = "",
    level: Annotated[Level, Query(description="The least level.")] = "debug",
    since: Annotated[
        datetime | None, Query(description="Only of runs that were asked for since then.")
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=5000, description="Look until there are so many; runs come whole.")
    ] = 200,
    cursor: Annotated[
        str | None, Query(description="`next_cursor` of the page before.", max_length=200)
    ] = None,
) -> FoundLinesOut:
    """Lines of its runs, the newest run first. A page ends after some seconds of looking, too."""
    dagster = request.app.state.dagster
    if cursor is not None:
        dagster.status(cursor)
    if since is not None and since.tzinfo is None:
        since = since.astimezone()
    found = search_logs(dagster, workflow_id, LogQuery(q, level, since), limit, cursor)
    if not found.lines and found.cursor is None and workflow_id not in dagster.jobs():
        # The logs of a workflow that is gone can be read, too; one that never was is an error.
        dagster.job(workflow_id)
    return FoundLinesOut.of(found)
