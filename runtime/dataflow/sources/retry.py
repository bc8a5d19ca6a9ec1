"""When a request that failed is worth another try, and after how long."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState, Retrying

log = get_logger(__name__)

# Too early, too many requests, and the failures of a server or of what stands before it.
RETRIED_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0
# A server that asks for more patience than this is not waited for.
_LONGEST_PATIENCE = 600.0


class RequestFailedError(Exception):
    """A request failed. Unlike the libraries' own errors it never quotes a query or a password.

    Args:
        text: What happened.
        status: The status the server answered with, if it answered.
        wait: Whether to try again: no, yes, or after so many seconds.
    """

    def __init__(self, text: str, status: int | None, wait: bool | float) -> None:
        super().__init__(text)
        self.status = status
        self.wait = wait


def retrying(max_retries: int) -> Retrying:
    """Several tries of a request; each is a context to make the request in.

    A ``RequestFailedError`` leads to the next try, later each time or when the server's
    ``Retry-After`` says, if there is hope. The last one goes through.
    """
    import tenacity

    backoff = tenacity.wait_combine(
        tenacity.wait_exponential(_FIRST_WAIT, _LONGEST_WAIT), tenacity.wait_random(0, _FIRST_WAIT)
    )

    def wait(state: RetryCallState) -> float:
        error = _error(state)
        told = error.wait if isinstance(error, RequestFailedError) else True
        return backoff(state) if isinstance(told, bool) else told

    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(max_retries + 1),
        wait=wait,
        retry=tenacity.retry_if_exception(_passes),
        before_sleep=_announce,
        reraise=True,
    )


def _passes(error: BaseException) -> bool:
    return isinstance(error, RequestFailedError) and error.wait is not False


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _announce(state: RetryCallState) -> None:
    log.warning("trying again", after=f"{state.upcoming_sleep:.1f} s", because=str(_error(state)))


def failure(error: requests.RequestException) -> RequestFailedError:
    """What an error of the HTTP library means for another try.

    Connections that fail or break off, time-outs and the statuses in ``RETRIED_STATUSES`` may
    pass; everything else will not.
    """
    import requests

    response = error.response
    if response is not None:
        text = f"the server answered {response.status_code} {response.reason}"
        return RequestFailedError(text, response.status_code, patience(response))
    passing = isinstance(
        error,
        requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError,
    )
    return RequestFailedError(_cause(error), None, passing)


def patience(response: requests.Response) -> bool | float:
    """How long to wait, by the status and ``Retry-After`` (RFC 9110, section 10.2.3).

    Returns:
        Seconds; or whether to try again at all, where the server does not say when, asks for more
        patience than there is, or will not answer otherwise.
    """
    if response.status_code not in RETRIED_STATUSES:
        return False
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return True
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = max(0.0, moment.timestamp() - time.time())
    return seconds if seconds <= _LONGEST_PATIENCE else False


def _cause(error: Exception) -> str:
    """The innermost words of an error; the outer ones repeat the address with its query."""
    import requests

    if isinstance(error, requests.Timeout):
        return "it took too long"
    inner: BaseException = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None)
    inner = reason if isinstance(reason, BaseException) else inner
    text = str(inner.args[-1] if inner.args else inner)
    return text.split(": ", 1)[-1].strip(" '.\"") or type(inner).__name__
