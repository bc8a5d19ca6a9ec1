"""A line in the audit log for each change that somebody asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from dataflow.service.audit_log import note_change
from dataflow.shared.logging import get_logger
from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from dataflow.shared.project import Project

_READING = ("GET", "HEAD", "OPTIONS")
# Where the guard of the routes leaves who has called.
CALLER = "caller"

log = get_logger(__name__)


class AuditTrail:
    """Writes down what callers who are known have asked to change, and what was answered."""

    def __init__(self, app: ASGIApp, project: Project) -> None:
        self._app = app
        self._project = project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and look at its answer."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def sending(message: Message) -> None:
            # Before the caller knows: what was done stands in the log, whatever happens then.
            if message["type"] == "http.response.start" and CALLER in state:
                await run_sync(self._note, scope, state[CALLER].name, message["status"])
            await send(message)

        await self._app(scope, receive, sending)

    def _note(self, scope: Scope, actor: str, status: int) -> None:
        path = shortened(redact(scope["path"]), 300)
        client = scope["client"][0] if scope.get("client") else ""
        try:
            note_change(self._project, actor, scope["method"], path, status=status, address=client)
        except OSError as error:
            log.error("the audit log cannot be written", error=str(error), path=path)
