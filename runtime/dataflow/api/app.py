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

from dataflow.api.backfill_routes import router as backfill_router
from dataflow.api.limits import BodyLimit
from dataflow.api.problems import MEDIA_TYPE, Problem, answer_problems, responses
from dataflow.api.routes import router
from dataflow.api.schemas import HealthOut
from dataflow.service.api_token import api_token, check_bind, check_token
from dataflow.service.dagster_client import Dagster
from dataflow.service.web_server import serve
from dataflow.shared.output_redaction import guard_output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
        app.state.ui = f"http://localhost:{settings.dagster_port}"
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
    for operations in (router, backfill_router):
        app.include_router(operations, dependencies=[Depends(_guard(token))] if token else [])
    app.add_api_route("/healthz", _health, tags=["service"], responses=responses(502, 503))
    app.add_api_route("/livez", _alive, tags=["service"], include_in_schema=False)
    app.add_middleware(BodyLimit, most=settings.api_max_body)
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
    check_bind(host, token)
    # Waiting callers are let go when the server stops.
    options: dict[str, Any] = {"timeout_graceful_shutdown": 3, "server_header": False}
    serve(create_app(project, token), host, port, **options)


_bearer = HTTPBearer(auto_error=False, description="The server's DATAFLOW_API_TOKEN.")


def _guard(token: str) -> Any:
    # The second parameter is there for the OpenAPI document.
    def guard(request: Request, _: Any = Depends(_bearer)) -> None:  # noqa: B008
        check_token(request.headers.get("authorization"), token)

    return guard


def _health(request: Request) -> HealthOut:
    """Whether runs can be launched and will be started. Needs no token."""
    health = request.app.state.dagster.health()
    return HealthOut(
        status="ok" if health.daemon_is_alive else "degraded",
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
