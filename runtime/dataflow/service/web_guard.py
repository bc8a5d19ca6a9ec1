"""The guard before each of the three servers: what pages of other origins ask for is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.service.problem_document import problem
from dataflow.service.refusal import has_body, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from dataflow.service.web_access import Objection, WebAccess

# For browsers: no page of another origin shows ours in a frame, or loads from us as it loads images
# and scripts. Where they do not say who asks, these keep what is read from the page.
_HEADERS = [
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_POLICY_VIOLATION = 1008


class WebGuard:
    """Refuses a request under a foreign name or from a foreign page; websockets as well.

    Args:
        access: Which names and pages are not foreign.
        further: One more look at a request, for what only one server knows of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: WebAccess,
        further: Callable[[Scope], Objection | None] | None = None,
    ) -> None:
        self._app = app
        self._access = access
        self._further = further

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        objection = self._access.objection(
            scope["type"], scope.get("method", "GET"), scope["http_version"], scope["headers"]
        )
        if objection is None and self._further is not None:
            objection = self._further(scope)
        if objection is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            answer = problem(objection.status, objection.reason, objection.instruction)
            await refuse(answer, receive, send, is_read=not has_body(scope["headers"]))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
        await send(message)

    return sending
