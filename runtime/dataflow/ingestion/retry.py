"""When a request that failed is worth another try, and after how long."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

__all__ = ["RETRIED_STATUSES", "retry_after", "retrying"]

# Too early, too many requests, and the failures of a server or of what stands before it.
RETRIED_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0
# A server that asks for more patience than this is not waited for.
_LONGEST_PATIENCE = 600.0


def retrying(max_retries: int) -> Iterator[Any]:
    """Several tries of a request; each is a context to make the request in.

    Connections that fail or break off, time-outs and the statuses in ``RETRIED_STATUSES`` are
    tried again, later each time, or when the server's ``Retry-After`` says. The last failure goes
    through.
    """
    import stamina

    return iter(
        stamina.retry_context(
            on=_patience,
            attempts=max_retries + 1,
            timeout=None,
            wait_initial=_FIRST_WAIT,
            wait_max=_LONGEST_WAIT,
            wait_jitter=_FIRST_WAIT,
        )
    )


def _patience(error: Exception) -> bool | float:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        if error.response.status_code not in RETRIED_STATUSES:
            return False
        asked = retry_after(error.response)
        if asked is None:
            return True
        return asked if asked <= _LONGEST_PATIENCE else False
    return isinstance(
        error,
        requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError,
    )


def retry_after(response: requests.Response) -> float | None:
    """Seconds that a response's ``Retry-After`` asks to wait (RFC 9110, 10.2.3), if it asks."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time()) if value else None
