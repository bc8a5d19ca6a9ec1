"""Every error answer: a problem document (RFC 9457), made in this one place."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from dataflow.shared.errors import DataflowError
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened, with_short_words

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"

log = get_logger(__name__)

_WHEN = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    404: "There is no such thing.",
    409: "It cannot be done as things are.",
    413: "The body is too large.",
    422: "The request does not fit.",
    502: "Dagster answered with a fault.",
    503: "Dagster does not answer.",
}


class Problem(BaseModel):
    """What went wrong and what to do (RFC 9457)."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no workflow 'dayly_sales'."])
    instruction: str = Field(
        default="", description="What to do.", examples=["The project has: daily_sales."]
    )
    errors: list[dict[str, Any]] = Field(
        default_factory=list, description="Each thing that does not fit, and where."
    )


def problem(
    status: int,
    detail: str,
    instruction: str = "",
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An error answer."""
    document = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=with_short_words(redact(detail)),
        instruction=with_short_words(redact(instruction)),
        errors=errors or [],
    )
    content = document.model_dump(exclude_defaults=True) | {"type": document.type}
    return _ProblemResponse(content, status, headers)


class _ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        # What a caller sent is quoted, and halves of characters cannot be written.
        return json.dumps(content, ensure_ascii=False).encode(errors="replace")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation, for its OpenAPI description."""
    return {
        status: {"description": _WHEN[status], "content": {MEDIA_TYPE: {"schema": _REFERENCE}}}
        for status in statuses
    }


_REFERENCE = {"$ref": "#/components/schemas/Problem"}


def answer_problems(app: FastAPI) -> None:
    """Make an application answer every error with a problem document."""
    app.add_exception_handler(DataflowError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DataflowError)  # noqa: S101
    status = error.http_status
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status)
    faults = [{"detail": redact(fault)} for fault in getattr(error, "faults", [])]
    return problem(status, error.reason, error.instruction, faults, headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {"detail": fault["msg"], "location": [shortened(str(part)) for part in fault["loc"]]}
        for fault in error.errors()
    ]
    where = ", ".join(".".join(fault["location"]) for fault in errors)
    return problem(
        422,
        f"The request does not fit: {where}.",
        "See `errors`, and /docs for what is allowed.",
        jsonable_encoder(errors),
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"There is nothing at {shortened(request.url.path, 80)}."
    if error.status_code == 405:
        detail = f"{request.method} is not allowed at {shortened(request.url.path, 80)}."
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, detail, "See /docs for what there is.", headers=headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", path=request.url.path, exc_info=error)
    return problem(
        500, "The server made a mistake of its own.", "Its log says more; please report it."
    )
