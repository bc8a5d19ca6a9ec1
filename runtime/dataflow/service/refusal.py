"""Refusing a request in such a way that the answer reaches its sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response
    from starlette.types import Receive, Send

# Most programs read an answer when they have sent everything, and a connection that is closed in
# front of what they send takes the answer with it. So the rest is read, and thrown away.
SECONDS_TO_READ_ON = 10.0
BYTES_TO_READ_ON = 128 << 20


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request of these headers (names in small letters) has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in headers
    )


async def refuse(answer: Response, receive: Receive, send: Send, *, is_read: bool) -> None:
    """Answer a request, and read on for a while.

    Args:
        answer: The refusal.
        is_read: Whether the body has been read to its end.
    """
    headers = list(answer.raw_headers)
    if not is_read:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": not is_read})
    if is_read:
        return
    with anyio.move_on_after(SECONDS_TO_READ_ON):
        await _read_on(receive)
    await send({"type": "http.response.body", "body": b""})


async def _read_on(receive: Receive) -> None:
    size = 0
    while size < BYTES_TO_READ_ON:
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
