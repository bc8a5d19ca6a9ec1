"""How long a server waits for its clients, and for how many at once."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from dataflow.service.refusal import BYTES_TO_READ_ON, SECONDS_TO_READ_ON

if TYPE_CHECKING:
    import asyncio

# From the first byte, or from the connection, to the end of the header.
SECONDS_FOR_A_HEADER = 10.0
# Until a body is there: this, and a second for each so many bytes that have come.
SECONDS_FOR_A_BODY = 20.0
SLOWEST_BYTES_A_SECOND = 10_000
# While a client takes nothing of its answer.
SECONDS_TO_TAKE_AN_ANSWER = 60.0
# Connections that have not sent all of a request. Who is longest at it goes first: a request that
# is meant is there within a moment.
MOST_INCOMPLETE = 250
LARGEST_HEADER = 65_536


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 on h11, which bounds headers, and what uvicorn bounds nowhere."""

    # Of all connections, in the order in which they began to be waited for.
    _incomplete: ClassVar[dict[BoundedProtocol, None]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waits_for: Any = None
        self._deadline: asyncio.TimerHandle | None = None
        self._answer_deadline: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._thrown_away: int | None = None
        self._is_handed_on = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for(h11.IDLE, SECONDS_FOR_A_HEADER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and see what there is to wait for."""
        if self._thrown_away is not None:
            self._thrown_away += len(data)
            if self._thrown_away > BYTES_TO_READ_ON:
                self.transport.close()
            return
        super().data_received(data)
        self._look(len(data))

    def eof_received(self) -> None:
        """Close what was only kept for the rest."""
        if self._thrown_away is not None:
            self.transport.close()
        super().eof_received()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one."""
        super().on_response_complete()
        self._look(0)

    def pause_writing(self) -> None:
        """Give the client some time to take what was sent."""
        super().pause_writing()
        self._answer_deadline = self.loop.call_later(
            SECONDS_TO_TAKE_AN_ANSWER, self.transport.abort
        )

    def resume_writing(self) -> None:
        """It has."""
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None
        super().resume_writing()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to the websocket's own protocol."""
        super().handle_websocket_upgrade(event)
        self._is_handed_on = True

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, so that the answer is read by who still sends."""
        fault = sys.exc_info()[1]
        status = getattr(fault, "error_status_hint", 400)
        if status == 431:
            msg = f"The header is larger than {LARGEST_HEADER:,} bytes."
        if not self._answer(status, msg):
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._thrown_away = 0
        self._wait_for(h11.ERROR, SECONDS_TO_READ_ON)

    def _answer(self, status: int, text: str) -> bool:
        """Answer without an application, unless one has begun to."""
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        body = text.encode("ascii")
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        events = [
            h11.Response(
                status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode()
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        try:
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            return False
        return True

    def _look(self, received: int) -> None:
        """Wait for what the client owes now, if it owes anything."""
        if self._thrown_away is not None:
            return
        is_done = self._is_handed_on or self.transport.is_closing()
        state = self.conn.their_state
        if is_done or state not in (h11.IDLE, h11.SEND_BODY):
            self._wait_no_more()
        elif state is h11.SEND_BODY and self._waits_for is h11.SEND_BODY:
            self._until += received / SLOWEST_BYTES_A_SECOND
        elif state is not self._waits_for or self._deadline is None:
            seconds = SECONDS_FOR_A_BODY if state is h11.SEND_BODY else SECONDS_FOR_A_HEADER
            self._wait_for(state, seconds)

    def _wait_for(self, state: Any, seconds: float) -> None:
        self._wait_no_more()
        self._waits_for = state
        self._until = self.loop.time() + seconds
        self._deadline = self.loop.call_at(self._until, self._is_over)
        self._incomplete[self] = None
        if len(self._incomplete) > MOST_INCOMPLETE:
            next(iter(self._incomplete))._give_up()

    def _wait_no_more(self) -> None:
        self._waits_for = None
        self._incomplete.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_over(self) -> None:
        if self.loop.time() < self._until:
            self._deadline = self.loop.call_at(self._until, self._is_over)
            return
        self._give_up()

    def _give_up(self) -> None:
        is_silent = self._waits_for is h11.IDLE and not self.conn.trailing_data[0]
        self._wait_no_more()
        if self._thrown_away is None and not is_silent:
            self._answer(408, "The request did not come to its end in time.")
        self.transport.close()
        # Who does not take the answer does not keep the connection either.
        self.loop.call_later(SECONDS_TO_READ_ON, self.transport.abort)
