"""An error answer: a problem document (RFC 9457), made in this one place."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from dataflow.shared.redaction import redact
from dataflow.shared.shown import with_short_words

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong and what to do (RFC 9457)."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no workflow 'dayly_sales'."])
    instruction: str = Field(
        default="", description="What to do.", examples=["The project has: daily_sales."]
    )
    code: str = Field(
        default="",
        description="Which kind of error it is: `dataflow explain CODE` says more.",
        examples=["workflow-not-found"],
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
    code: str = "",
) -> JSONResponse:
    """An error answer."""
    document = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=with_short_words(redact(detail)),
        instruction=with_short_words(redact(instruction)),
        code=code,
        errors=errors or [],
    )
    content = document.model_dump(exclude_defaults=True) | {"type": document.type}
    return _ProblemResponse(content, status, headers)


class _ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        # What a caller sent is quoted, and halves of characters cannot be written.
        return json.dumps(content, ensure_ascii=False).encode(errors="replace")
