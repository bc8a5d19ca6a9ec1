"""When a request that failed is worth another try, and after how long."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from dataflow.shared.logging import get_logger
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState, Retrying

log = get_logger(__name__)

# Too early, too many requests, and the failures of a server or of what stands before it.
RETRIED_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_FORBIDDEN, _TOO_MANY = 403, 429
_REMAINING = ("RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining")
_RESET = ("X-RateLimit-Reset-After", "RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset")
# A reset beyond this is a moment, not a length of time.
_EPOCH, _EPOCH_MILLISECONDS = 1e9, 1e12
_CLOCK_GRAIN = 0.1
_LONGEST_CAUSE = 80
# Seconds before the second try, where nothing says how many.
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
        limited: Whether the server says that there were too many requests.
    """

    def __init__(
        self, text: str, status: int | None, wait: bool | float, *, limited: bool = False
    ) -> None:
        super().__init__(text)
        self.limited = limited
        self.status = status
        self.wait = wait


def pause_after(fault: RequestFailedError) -> float:
    """How many seconds the requests beside one that failed have to wait as well."""
    if isinstance(fault.wait, bool):
        return _FIRST_WAIT if fault.wait else 0.0
    return fault.wait


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
        wait = patience(response)
        return RequestFailedError(text, response.status_code, wait, limited=is_limited(response))
    passing = isinstance(
        error,
        requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError,
    )
    return RequestFailedError(_cause(error), None, passing)


def patience(response: requests.Response, *, passing: bool = False) -> bool | float:
    """How long to wait, by the status, ``Retry-After`` (RFC 9110, 10.2.3) and rate-limit headers.

    A 403 is a rate limit where its headers say so, and final otherwise. With ``passing`` the status
    is one that passes, whatever it is.

    Returns:
        Seconds; or whether to try again at all, where the server does not say when, asks for more
        patience than there is, or will not answer otherwise.
    """
    headers = response.headers
    told = headers.get("Retry-After", "").strip()
    passing = passing or response.status_code in RETRIED_STATUSES or is_limited(response)
    if not passing:
        return False
    seconds = _seconds_from(told, headers) if told else None
    if seconds is None and not _first(headers, _REMAINING):
        seconds = _seconds_to_reset(headers)
    if seconds is None or seconds < 0:
        return True
    return seconds if seconds <= _LONGEST_PATIENCE else False


def is_limited(response: requests.Response) -> bool:
    """Whether an answer refuses because of a rate limit: 429, or 403 with headers that say so."""
    if response.status_code == _TOO_MANY:
        return True
    none_left = _first(response.headers, _REMAINING) == 0
    return response.status_code == _FORBIDDEN and ("Retry-After" in response.headers or none_left)


def seconds_until_allowed(headers: Mapping[str, str]) -> float | None:
    """How long until another request is allowed, where the server says that none is left.

    >>> seconds_until_allowed({"RateLimit-Remaining": "0", "RateLimit-Reset": "7"})
    7.0
    >>> seconds_until_allowed({"RateLimit-Remaining": "1", "RateLimit-Reset": "7"}) is None
    True
    """
    if _first(headers, _REMAINING) != 0:
        return None
    seconds = _seconds_to_reset(headers)
    return None if seconds is None else max(seconds, 0.0)


def requests_left(headers: Mapping[str, str]) -> float | None:
    """How many more requests the server allows before its limit begins anew, where it says so.

    >>> requests_left({"X-RateLimit-Remaining": "12"})
    12.0
    """
    return _first(headers, _REMAINING)


def _seconds_to_reset(headers: Mapping[str, str]) -> float | None:
    """How long until a rate limit begins anew, by the headers that usually say so."""
    text = next((headers[name].strip() for name in _RESET if headers.get(name)), "")
    number = _number(text)
    if number is not None and number >= _EPOCH:
        # Seconds, or milliseconds, since 1970; a second is not over when it begins.
        moment = number / 1000 if number >= _EPOCH_MILLISECONDS else number
        return max(0.0, moment - _server_time(headers)) + _CLOCK_GRAIN
    if number is not None:
        return number
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _seconds_from(text, headers) if text else None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - _server_time(headers)) + _CLOCK_GRAIN


def _seconds_from(text: str, headers: Mapping[str, str]) -> float | None:
    """Seconds, from themselves or from a date of HTTP; None if the text is neither."""
    number = _number(text)
    if number is not None:
        return number
    moment = _http_date(text)
    return None if moment is None else max(0.0, moment - _server_time(headers))


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text, re.ASCII) else None


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    """The number in the first of these headers that has one."""
    numbers = (_number(headers.get(name, "").strip()) for name in names)
    return next((number for number in numbers if number is not None), None)


def _server_time(headers: Mapping[str, str]) -> float:
    """What time it is for the server: its clock may not be ours."""
    moment = _http_date(headers.get("Date", ""))
    return time.time() if moment is None else moment


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


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
    told = text.split(": ", 1)[-1].strip(" '.\"") or type(inner).__name__
    # What a server sends in the place of a status may be anything.
    return shortened("".join(sign if sign.isprintable() else "?" for sign in told), _LONGEST_CAUSE)
