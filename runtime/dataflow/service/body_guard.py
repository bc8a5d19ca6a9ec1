"""Which bodies of requests are taken: how large, and of which kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.service.problem_document import problem
from dataflow.service.refusal import has_body, refuse
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Kinds of bodies that a page's browser sends to another origin without asking it first.
_KINDS_OF_FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
_READING = ("GET", "HEAD", "OPTIONS")


class BodyGuard:
    """Refuses a body above a size, whether the request says its size or not, and those of forms.

    Args:
        most: The size in bytes.
        instruction: What somebody is told to do who has sent more.
    """

    def __init__(self, app: ASGIApp, most: int, instruction: str = "Send less.") -> None:
        self._app = app
        self._most = most
        self._instruction = instruction

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said) > self._most:
            await refuse(self._too_large(), receive, send, is_read=False)
            return
        # Bodies are small by this limit, so what was read can be kept until all of it is there.
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            messages.append(message)
            size += len(message.get("body", b""))
            is_read = not message.get("more_body")
            if size > self._most:
                await refuse(self._too_large(), receive, send, is_read=is_read)
                return
            if is_read:
                break

        fault = _fault_of_kind(scope)
        if fault:
            await refuse(problem(415, fault, _SEND_JSON), receive, send, is_read=True)
            return

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, replay, send)

    def _too_large(self) -> Response:
        return problem(413, f"The body is larger than {self._most:,} bytes.", self._instruction)


_SEND_JSON = "Send JSON, with the header `Content-Type: application/json`."


def _fault_of_kind(scope: Scope) -> str:
    """What is wrong with the kind of a body that is to change something."""
    if scope["method"] in _READING:
        return ""
    kinds = [v.decode("latin-1") for n, v in scope["headers"] if n == b"content-type"]
    essence = kinds[0].partition(";")[0].strip().lower() if kinds else ""
    if len(kinds) == 1 and essence and essence not in _KINDS_OF_FORMS:
        return ""
    # `curl -X POST` of an address: a page that does so says its origin.
    if not kinds and not has_body(scope["headers"]):
        return ""
    if not essence:
        return "The body does not say of which kind it is."
    return f"A body of the kind {quoted(', '.join(kinds))} is one that any page may send."
