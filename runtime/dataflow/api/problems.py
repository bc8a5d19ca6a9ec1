"""What becomes of every error in the REST API: a problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from dataflow.api.request_body import UNKNOWN_KEY
from dataflow.service.problem_document import MEDIA_TYPE, problem
from dataflow.shared.errors import BadInputError, DataflowError, code_of, code_of_name
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from starlette.responses import JSONResponse

log = get_logger(__name__)

_WHEN = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another origin.",
    404: "There is no such thing.",
    409: "It cannot be done as things are.",
    413: "The body is too large.",
    415: "The body is of a kind that any page may send.",
    421: "The server has no such name.",
    422: "The request does not fit.",
    502: "Dagster answered with a fault.",
    503: "Dagster does not answer.",
}


_SEE = "See `errors`, and /docs for what is allowed."
# What it puts before the words of our own checks.
_OF_PYDANTIC = "Value error, "


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation, for its OpenAPI description."""
    return {
        status: {"description": _WHEN[status], "content": {MEDIA_TYPE: {"schema": _REFERENCE}}}
        for status in sorted({*statuses, *_OF_EVERY_OPERATION})
    }


# What the guard of the server answers before anything is asked.
_OF_EVERY_OPERATION = (403, 421)
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
    return problem(status, error.reason, error.instruction, faults, headers, code_of(error))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {
            "detail": fault["msg"].removeprefix(_OF_PYDANTIC),
            "location": [shortened(str(part)) for part in fault["loc"]],
        }
        for fault in error.errors()
    ]
    # What is wrong with a body as a whole has no place that would say anything.
    where = ", ".join(
        fault["detail"] if fault["location"] == ["body"] else ".".join(fault["location"])
        for fault in errors
    )
    # What was probably meant is worth more than where everything stands that is allowed.
    told = [
        f"{fault['location'][-1]} {fault['detail']}"
        for fault, given in zip(errors, error.errors(), strict=True)
        if given["type"] == UNKNOWN_KEY
    ]
    return problem(
        422,
        f"The request does not fit: {where}.",
        " ".join([*(f"{each.rstrip('?.')}." for each in told[:1]), _SEE]),
        jsonable_encoder(errors),
        code=code_of_name(BadInputError.__name__),
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
