"""The REST API's application and its server."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer

from dataflow.api.audit_trail import CALLER, AuditTrail
from dataflow.api.backfill_routes import router as backfill_router
from dataflow.api.cancel_routes import router as cancel_router
from dataflow.api.event_routes import router as event_router
from dataflow.api.log_routes import router as log_router
from dataflow.api.metrics import router as metrics_router
from dataflow.api.problems import answer_problems, responses
from dataflow.api.routes import router
from dataflow.api.schemas import HealthOut
from dataflow.service.api_access import ApiAccess
from dataflow.service.api_token import api_token, check_bind
from dataflow.service.body_guard import BodyGuard
from dataflow.service.dagster_client import Dagster
from dataflow.service.dagster_errors import DagsterUnavailableError
from dataflow.service.free_space import full_disks
from dataflow.service.history_server import check_history_server
from dataflow.service.problem_document import MEDIA_TYPE, Problem
from dataflow.service.run_tally import RunTally
from dataflow.service.stopped_processes import stopped_processes
from dataflow.service.unanswered import UnansweredLaunches
from dataflow.service.web_access import WebAccess
from dataflow.service.web_server import serve
from dataflow.shared.output_redaction import guard_output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from dataflow.shared.project import Project

_DESCRIPTION = """
Runs the workflows of a project and tells how the runs went. Runs go through Dagster's queue and
are the same that its UI shows. Errors are problem documents (RFC 9457) that say what to do.
"""


def create_app(project: Project, token: str | None = None) -> FastAPI:
    """Make the application.

    Args:
        project: The project whose workflows it runs, on the Dagster that its settings name.
        token: What callers have to send. Default: what the environment sets, if it does.
    """
    settings = project.settings
    token = token or api_token()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.dagster = Dagster(project)
        app.state.tally = RunTally(app.state.dagster)
        app.state.unanswered = UnansweredLaunches()
        app.state.ui = settings.public_url or f"http://localhost:{settings.dagster_port}"
        yield
        app.state.dagster.close()

    app = FastAPI(
        title="DATAFLOW",
        summary="Run workflows and follow their runs.",
        description=_DESCRIPTION,
        version=version("dataflow-runtime"),
        lifespan=lifespan,
        redoc_url=None,
        openapi_tags=[
            {"name": "workflows", "description": "What there is to run."},
            {"name": "runs", "description": "What ran, runs and waits."},
            {"name": "backfills", "description": "Runs for many partitions."},
            {"name": "service", "description": "How the service does."},
        ],
    )
    answer_problems(app)
    access = ApiAccess(project, token)
    guard = _guard_with_token(access) if access.is_needed else _guard(access)
    for operations in (router, log_router, cancel_router, backfill_router, metrics_router):
        app.include_router(operations, dependencies=[Depends(guard)])
    # Whose callers have no token: each request is signed.
    app.include_router(event_router)
    app.add_api_route("/healthz", _health, tags=["service"], responses=responses(502, 503))
    app.add_api_route("/livez", _alive, tags=["service"], include_in_schema=False)
    app.add_middleware(AuditTrail, project=project)
    app.add_middleware(
        BodyGuard,
        most=settings.api_max_body,
        instruction="Send less, or raise DATAFLOW_API_MAX_BODY.",
    )
    if settings.api_cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.api_cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Location"],
        )
    app.openapi = functools.partial(_openapi, app)  # type: ignore[method-assign]
    return app


def serve_api(project: Project, host: str, port: int, token: str | None = None) -> None:
    """Serve the REST API until interrupted.

    Raises:
        InsecureBindError: ``host`` can be reached from other machines and no token is set.
        PortInUseError: Another program listens there, or the address is not this machine's.
    """
    guard_output()
    check_bind(host, token, project)
    access = WebAccess.to(host, project.settings, project.settings.api_cors_origins)
    serve(create_app(project, token), host, port, access)


_bearer = HTTPBearer(auto_error=False, description="A token that the server knows.")


def _guard(access: ApiAccess) -> Callable[[Request], None]:
    def guard(request: Request) -> None:
        caller = access.caller(request.headers.get("authorization"))
        setattr(request.state, CALLER, caller)
        caller.check("read" if request.method in ("GET", "HEAD") else "run")

    return guard


def _guard_with_token(access: ApiAccess) -> Callable[..., None]:
    guard = _guard(access)

    # The second parameter is there for the OpenAPI document.
    def guard_with_token(request: Request, _: Any = Depends(_bearer)) -> None:  # noqa: B008
        guard(request)

    return guard_with_token


def _health(request: Request) -> HealthOut:
    """Whether runs can be launched and will be started. Needs no token."""
    dagster = request.app.state.dagster
    found = [*full_disks(dagster.project), *stopped_processes(dagster.project)]
    try:
        check_history_server(dagster.project)
        health = dagster.health()
    except DagsterUnavailableError as error:
        reason = " ".join([error.reason, *found])
        raise DagsterUnavailableError(reason, error.instruction) from error
    faults = [*found, *health.faults]
    return HealthOut(
        status="degraded" if faults else "ok",
        faults=faults,
        version=request.app.version,
        dagster=health.version,
        daemon_silent_for=health.daemon_silent_for,
    )


def _alive() -> dict[str, str]:
    """Whether this server answers, whatever Dagster does."""
    return {"status": "ok"}


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with problem documents where FastAPI describes errors of its own."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Problem"] = Problem.model_json_schema()
        for operation in _operations(schema):
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    reference = {"$ref": "#/components/schemas/Problem"}
                    answer["content"] = {MEDIA_TYPE: {"schema": reference}}
        app.openapi_schema = schema
    return app.openapi_schema


def _operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in schema["paths"].values() for operation in path.values()]
